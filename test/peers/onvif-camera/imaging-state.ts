/** How the picture is set, and the focus as a function of time. Pure. */

/** Brightness and the like 0..100. */
export interface ImagingValues {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  readonly sharpness: number;
  readonly irCut: 'AUTO' | 'ON' | 'OFF';
  readonly wideDynamicRange: 'ON' | 'OFF';
  readonly autoFocus: 'AUTO' | 'MANUAL';
}

/** Units of focus per second at full speed. */
const FOCUS_PER_SECOND = 0.5;

/** Picture and lens of one source. Focus is 0 (near) to 1 (far). */
export class ImagingState {
  values: ImagingValues = {
    brightness: 50,
    contrast: 50,
    saturation: 50,
    sharpness: 50,
    irCut: 'AUTO',
    wideDynamicRange: 'OFF',
    autoFocus: 'AUTO',
  };
  #from = 0.5;
  #speed = 0;
  #startedAt = 0;

  /** Speed -1..1; 0 stops. */
  drive(speed: number, now: number): void {
    this.#from = this.focus(now);
    this.#speed = speed;
    this.#startedAt = now;
  }

  focus(now: number): number {
    const moved = this.#from + (this.#speed * FOCUS_PER_SECOND * (now - this.#startedAt)) / 1000;
    return Math.min(1, Math.max(0, moved));
  }

  /** Moves at once; out of range ends at the end. */
  focusAt(position: number, now: number): void {
    this.#from = Math.min(1, Math.max(0, position));
    this.#speed = 0;
    this.#startedAt = now;
  }

  isMoving(now: number): boolean {
    const at = this.focus(now);
    return (this.#speed > 0 && at < 1) || (this.#speed < 0 && at > 0);
  }
}
