/** The little of fluent-ffmpeg 2.1.3 that is used: building an argument list. Its own child handling never runs. */
declare module 'fluent-ffmpeg' {
  interface FfmpegCommand {
    input(source: string): FfmpegCommand;
    inputFormat(format: string): FfmpegCommand;
    inputOptions(...options: string[]): FfmpegCommand;
    output(target: string): FfmpegCommand;
    outputOptions(...options: string[]): FfmpegCommand;
    videoCodec(codec: string): FfmpegCommand;
    videoFilters(filter: string): FfmpegCommand;
    noAudio(): FfmpegCommand;
    frames(count: number): FfmpegCommand;
    format(format: string): FfmpegCommand;
    _getArguments(): (string | number)[];
  }
  export default function ffmpeg(): FfmpegCommand;
}
