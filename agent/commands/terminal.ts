import { createInterface } from 'node:readline';
import type { CliIo } from './command.js';

/** The program's own terminal. A question is asked on stderr, so that stdout holds nothing but the answer; end of input is the empty answer. */
export function terminalIo(): CliIo {
  // `sightline log show | head`: the reader has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const isAsked = process.stdin.isTTY === true && process.stderr.isTTY === true;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    environment: process.env,
    isTerminal: process.stderr.isTTY === true,
    hasColours: process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '',
    ask: isAsked ? askOnTerminal : undefined,
  };
}

function askOnTerminal(question: string): Promise<string> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    let answer: string | undefined;
    lines.question(question, (text) => {
      answer = text;
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      if (answer === undefined) process.stderr.write('\n');
      resolve(answer ?? '');
    });
  });
}
