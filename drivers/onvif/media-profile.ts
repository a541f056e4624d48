import type { VideoEncoderSettings } from '../port.js';

/** A profile of either media service, reduced to what is used. */
export interface MediaProfile {
  readonly token: string;
  readonly name: string;
  /** Empty when the profile has no video source. */
  readonly sourceToken: string;
  /** Token of the video source configuration, which texts in the picture hang on. */
  readonly sourceConfiguration: string;
  readonly encoder: { readonly token: string; readonly video: VideoEncoderSettings } | undefined;
  /** Empty without PTZ. */
  readonly ptzNodeToken: string;
}
