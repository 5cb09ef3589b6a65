import { openWriterFiles } from "./writer-files.ts";

/** A first start in the folder given that is killed before it has written its witness. */
openWriterFiles(process.argv[2]!, 1 << 30);
process.kill(process.pid, "SIGKILL");
