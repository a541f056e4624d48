/** The thread that WorkerSpake starts: one computation per message, in the order in which they come. */
import { parentPort } from 'node:worker_threads';
import { answerTask, type SpakeTask } from './spake-task.js';

parentPort?.on('message', (task: SpakeTask) => parentPort?.postMessage(answerTask(task)));
