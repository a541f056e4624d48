import { H264 } from './h264.js';
import { H265 } from './h265.js';
import type { NalSyntax } from './nal-syntax.js';
import type { Codec } from './stream-choice.js';

/** The syntax of a codec. Pure. */
export const syntaxOf = (codec: Codec): NalSyntax => (codec === 'H265' ? H265 : H264);
