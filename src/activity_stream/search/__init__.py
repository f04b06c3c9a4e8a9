"""What a caller may ask, made safe and asked."""
