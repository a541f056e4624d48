import { functionsOf } from './functions.js';
import { lineAt, type Rule, type Source, type Violation, violationsOf } from './source.js';

const FILE_LINES = 400;
const FUNCTION_LINES = 60;
const MAIN_LINES = 60;

const isShipped = ({ path }: Source): boolean => path.startsWith('agent/') || path.startsWith('drivers/');
const lineCount = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

/** No file is longer than its ceiling. */
export const fileLength: Rule = (sources) =>
  sources.flatMap(({ path, text }): Violation[] => {
    const ceiling = path === 'agent/main.ts' ? MAIN_LINES : FILE_LINES;
    const lines = lineCount(text);
    return lines > ceiling ? [{ path, line: ceiling, say: `${lines} lines, the ceiling is ${ceiling}` }] : [];
  });

/** No function is longer than its ceiling, tests included. */
export const functionLength: Rule = (sources) =>
  sources.flatMap((source) =>
    functionsOf(source).flatMap(({ name, start, end }): Violation[] => {
      const line = lineAt(source.bare, start + (/^\s*/.exec(source.bare.slice(start, start + 40))?.[0].length ?? 0));
      const lines = lineAt(source.bare, end) - line + 1;
      return lines > FUNCTION_LINES
        ? [{ path: source.path, line, say: `function ${name} has ${lines} lines, the ceiling is ${FUNCTION_LINES}` }]
        : [];
    }),
  );

const EXPORT = /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(function\*?|const|let|class|interface|type)\s+([\w$]+)/gm;

/** Every export of the agent, the drivers and the scripts says what it is for. */
export const exportsExplained: Rule = (sources) =>
  sources
    .filter((source) => /\.tsx?$/.test(source.path) && (isShipped(source) || source.path.startsWith('scripts/')))
    .flatMap((source) => {
      const known = new Set<string>();
      return [...source.bare.matchAll(EXPORT)].flatMap((match): Violation[] => {
        const name = match[2] ?? '';
        const isExplained = /\*\/\s*$/.test(source.text.slice(0, match.index)) || known.has(name);
        // An overload is explained by the first of its signatures; a type may share its schema's name and comment.
        if (isExplained) known.add(name);
        return isExplained
          ? []
          : [{ path: source.path, line: lineAt(source.bare, match.index), say: `export ${name} has no comment that explains it` }];
      });
    });

/** Written in two parts so that this file does not break its own rule. */
const UNFINISHED = new RegExp(
  `\\b(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${['X', 'XX'].join('')}|${['HA', 'CK'].join('')})\\b`,
  'g',
);

/** Nothing is left for later. */
export const nothingForLater: Rule = (sources) =>
  sources.flatMap((source) => violationsOf(source, source.text, UNFINISHED, ([word]) => `${word}: finish it or write an issue`));

/** No `any`: an unknown thing is `unknown` until it was looked at. */
export const noAny: Rule = (sources) =>
  sources
    .filter(({ path }) => /\.tsx?$/.test(path))
    .flatMap((source) =>
      violationsOf(source, source.bare, /(?<=(?:[:<|&,(=]|\b(?:as|extends|readonly))\s*)\bany\b(?!\s*[:(.?=])/g, () => 'any'),
    );

/** An error carries a code: AgentError in the agent, DriverError in the drivers. */
export const codedErrors: Rule = (sources) =>
  sources
    .filter(isShipped)
    .flatMap((source) =>
      violationsOf(
        source,
        source.bare,
        /\bnew\s+(Error|TypeError|RangeError|SyntaxError)\b/g,
        ([, name]) => `${name} has no code: AgentError or DriverError`,
      ),
    );

/** `x!` says "trust me" to the compiler; the reader has no reason to. */
export const noNonNull: Rule = (sources) =>
  sources
    .filter(({ path }) => /\.tsx?$/.test(path))
    .flatMap((source) => violationsOf(source, source.bare, /[\w$)\]]!(?=[.;,)\][(:}]|\s*$)/gm, ([text]) => `non-null assertion ${text}`));

const ASKS_TIME =
  /\bDate\.now\b|\bperformance\.now\b|\bnew\s+Date\(\s*\)|(?<![.\w#])(?:setTimeout|setInterval)\b|\bAbortSignal\.timeout\b|\bprocess\.hrtime\b/g;
const IMPORTS_TIMERS = /from\s*['"]node:timers(?:\/promises)?['"]/g;

/** Time is a parameter: only the clock asks the machine. */
export const timeIsAParameter: Rule = (sources) =>
  sources
    .filter((source) => isShipped(source) && source.path !== 'agent/kernel/clock.ts')
    .flatMap((source) => [
      ...violationsOf(source, source.bare, ASKS_TIME, ([text]) => `${text}: take a Clock`),
      ...violationsOf(source, source.code, IMPORTS_TIMERS, () => 'node:timers: take a Clock'),
    ]);

/** File names are kebab-case; a start script of BusyBox begins with the letter and number that init looks for. */
export const kebabNames: Rule = (sources) =>
  sources
    .filter(({ path }) => !/\/[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$|\/init\.d\/S\d\d[a-z-]+$/.test(path))
    .map(({ path }) => ({ path, line: 1, say: 'the file name is not kebab-case' }));
