import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.codelibs.opensearch.runner.OpenSearchRunner;

/**
 * A cluster in one process whose nodes are closed and started one by one. Takes the runner's own arguments, of which the
 * first is "-basePath DIRECTORY", then one command a line: "close K", "start K" (K from 0), "quit"; the end of the input
 * is "quit". The outcome of each is a line in DIRECTORY/outcomes: the nodes take the standard output away for their logs.
 */
public class Nodes {
    public static void main(String[] arguments) throws Exception {
        Path outcomes = Path.of(arguments[1], "outcomes");
        OpenSearchRunner runner = new OpenSearchRunner();
        try {
            runner.build(arguments);
            BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
            for (String line = input.readLine(); line != null && !line.equals("quit"); line = input.readLine()) {
                tell(outcomes, line + (obey(runner, line.split(" ")) ? " done" : " failed"));
            }
        } catch (Throwable problem) {
            tell(outcomes, problem.toString());
        } finally {
            runner.close();
            System.exit(0);
        }
    }

    private static boolean obey(OpenSearchRunner runner, String[] command) throws Exception {
        int number = Integer.parseInt(command[1]);
        if (command[0].equals("start")) {
            return runner.startNode(number);
        }
        runner.getNode(number).close();
        return runner.getNode(number).awaitClose(20, TimeUnit.SECONDS);
    }

    private static void tell(Path outcomes, String line) throws IOException {
        Files.writeString(outcomes, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
}
