import { promises as fs } from 'node:fs';
import { join } from 'node:path';

/** Sensors that answer nonsense say 0, -273 or 127 and more; a recorder in service is between these. */
const PLAUSIBLE = { min: -40, max: 125 } as const;

/**
 * Finds the temperature files of a machine once and reads the hottest of them. `root` is `/sys/class`. Thermal zones come first (the
 * board names them), hwmon only where there is none: the same sensor often shows up in both.
 */
export class TemperatureSensors {
  readonly #root: string;
  #files: readonly string[] | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Degrees Celsius; undefined where the machine has no sensor or it says nonsense. */
  async hottestCelsius(): Promise<number | undefined> {
    this.#files ??= await this.#find();
    let hottest: number | undefined;
    for (const file of this.#files) {
      const celsius = await readCelsius(file);
      if (celsius !== undefined && (hottest === undefined || celsius > hottest)) hottest = celsius;
    }
    return hottest;
  }

  async #find(): Promise<readonly string[]> {
    const zones = (await list(join(this.#root, 'thermal'))).filter((name) => name.startsWith('thermal_zone'));
    if (zones.length > 0) return zones.map((name) => join(this.#root, 'thermal', name, 'temp'));
    const chips = await list(join(this.#root, 'hwmon'));
    const perChip = await Promise.all(
      chips.map(async (chip) => {
        const folder = join(this.#root, 'hwmon', chip);
        return (await list(folder)).filter((name) => /^temp\d+_input$/.test(name)).map((name) => join(folder, name));
      }),
    );
    return perChip.flat();
  }
}

async function list(folder: string): Promise<readonly string[]> {
  return fs.readdir(folder).catch(() => []);
}

async function readCelsius(file: string): Promise<number | undefined> {
  const text = await fs.readFile(file, 'utf8').catch(() => '');
  const milli = Number.parseInt(text, 10);
  const celsius = milli / 1000;
  return celsius > PLAUSIBLE.min && celsius < PLAUSIBLE.max && celsius !== 0 ? celsius : undefined;
}
