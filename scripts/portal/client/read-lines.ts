import { AgentError } from '../../../agent/kernel/errors.js';

const LONGEST_LINE = 512 * 1024;

/**
 * The lines of a stream of UTF-8 bytes as they come, without their ends; what has no end when the stream is over is dropped. `onSilence` is
 * called when nothing came for `silenceMs`. Ends when the stream does and rejects when it breaks.
 * @throws AgentError client.bad_answer for a line of more than 512 KiB
 */
export async function* readLines(stream: ReadableStream<Uint8Array>, silenceMs: number, onSilence: () => void): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let open = '';
  try {
    for (;;) {
      timer = setTimeout(onSilence, silenceMs);
      const { done, value } = await reader.read();
      clearTimeout(timer);
      if (done) return;
      open += decoder.decode(value, { stream: true });
      const lines = open.split('\n');
      open = lines.pop() ?? '';
      yield* lines;
      if (open.length > LONGEST_LINE)
        throw new AgentError({ code: 'client.bad_answer', say: 'A line has no end.', fix: 'Reload the page.' });
    }
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => undefined);
  }
}
