import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
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
    askHidden: isAsked ? askHiddenOnTerminal : undefined,
    readLine: process.stdin.isTTY === true ? undefined : readFirstLine,
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

/** Readline writes what is typed to its output: one that swallows it all is given, and the question is asked beside it. */
function askHiddenOnTerminal(question: string): Promise<string> {
  return new Promise((resolve) => {
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
    let answer = '';
    process.stderr.write(question);
    lines.once('line', (text) => {
      answer = text;
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      process.stderr.write('\n');
      resolve(answer);
    });
  });
}

async function readFirstLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
  }
}
