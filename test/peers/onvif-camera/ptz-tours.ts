/** Rounds along presets: their state as a function of time, and their operations. */
import { xsDuration } from './duration.js';
import type { Operation, Service } from './operation.js';
import type { PtzState } from './ptz-state.js';
import { invalidArgument, SoapFault } from './soap.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

interface Spot {
  readonly preset: string;
  readonly stayMs: number;
}

interface Tour {
  readonly token: string;
  name: string;
  spots: readonly Spot[];
  state: 'Idle' | 'Touring' | 'Paused';
  next: NodeJS.Timeout | undefined;
  at: number;
}

const MAX_TOURS = 4;
const DEFAULT_STAY_MS = 5000;
const MAX_STAY_MS = 3_600_000;

/** Tours of one camera. A tour that runs drives `ptz` from preset to preset. */
export class PtzTours {
  readonly all: Tour[] = [];
  readonly #ptz: PtzState;
  readonly #now: () => number;
  #made = 0;

  constructor(ptz: PtzState, now: () => number) {
    this.#ptz = ptz;
    this.#now = now;
  }

  create(): Tour | undefined {
    if (this.all.length >= MAX_TOURS) return undefined;
    this.#made += 1;
    const tour: Tour = { token: `tour_${this.#made}`, name: `Tour ${this.#made}`, spots: [], state: 'Idle', next: undefined, at: 0 };
    this.all.push(tour);
    return tour;
  }

  remove(tour: Tour): void {
    this.stop(tour, 'Idle');
    this.all.splice(this.all.indexOf(tour), 1);
  }

  start(tour: Tour): void {
    for (const other of this.all) if (other !== tour && other.state === 'Touring') this.stop(other, 'Idle');
    if (tour.state === 'Touring') return;
    if (tour.state === 'Idle') tour.at = 0;
    tour.state = 'Touring';
    this.#step(tour);
  }

  stop(tour: Tour, state: 'Idle' | 'Paused'): void {
    clearTimeout(tour.next);
    tour.state = state;
  }

  stopAll(): void {
    for (const tour of this.all) this.stop(tour, 'Idle');
  }

  #step(tour: Tour): void {
    const spot = tour.spots[tour.at % Math.max(1, tour.spots.length)];
    if (spot === undefined) return;
    const target = this.#ptz.presets.find((one) => one.token === spot.preset);
    if (target !== undefined) this.#ptz.goTo(target.position, this.#now());
    tour.at += 1;
    tour.next = setTimeout(() => this.#step(tour), spot.stayMs);
    tour.next.unref();
  }
}

const respond = (name: string, inner = ''): string => `<tptz:${name}Response>${inner}</tptz:${name}Response>`;

function tourXml({ token, name, spots, state }: Tour): string {
  const rows = spots.map(({ preset, stayMs }) => {
    return `<tt:TourSpot><tt:PresetDetail><tt:PresetToken>${escapeXml(preset)}</tt:PresetToken></tt:PresetDetail><tt:StayTime>PT${stayMs / 1000}S</tt:StayTime></tt:TourSpot>`;
  });
  const head = `<tt:Name>${escapeXml(name)}</tt:Name><tt:Status><tt:State>${state}</tt:State></tt:Status><tt:AutoStart>false</tt:AutoStart><tt:StartingCondition/>`;
  return `<tptz:PresetTour token="${token}">${head}${rows.join('')}</tptz:PresetTour>`;
}

function readSpots(element: XmlElement, presets: readonly string[]): readonly Spot[] {
  return element.children
    .filter((one) => one.name === 'TourSpot')
    .map((spot) => {
      const preset = textAt(spot, 'PresetDetail', 'PresetToken') ?? '';
      if (!presets.includes(preset)) throw invalidArgument('NoToken', 'A spot names no preset of this camera');
      const stay = textAt(spot, 'StayTime');
      const stayMs = stay === undefined ? DEFAULT_STAY_MS : xsDuration(stay);
      if (stayMs === undefined || stayMs <= 0 || stayMs > MAX_STAY_MS)
        throw invalidArgument('InvalidPresetTour', 'StayTime is out of range');
      return { preset, stayMs };
    });
}

/** The operations; `onProfile` checks the profile's token as everywhere in the PTZ service. */
export function tourOperations(
  tours: PtzTours,
  ptz: PtzState,
  onProfile: (access: Operation['access'], takes: readonly string[], answer: (body: XmlElement) => string) => Operation,
): Service {
  const named = (token: string | undefined): Tour => {
    const tour = tours.all.find((one) => one.token === token);
    if (tour === undefined) throw invalidArgument('NoToken', 'There is no such tour');
    return tour;
  };
  const stay = '<tt:StayTime><tt:Min>PT1S</tt:Min><tt:Max>PT1H</tt:Max></tt:StayTime>';
  const options = (): string => {
    const presets = ptz.presets.map(({ token }) => `<tt:PresetToken>${escapeXml(token)}</tt:PresetToken>`).join('');
    const detail = `<tt:PresetDetail>${presets}</tt:PresetDetail>`;
    return `<tptz:Options><tt:AutoStart>false</tt:AutoStart><tt:StartingCondition/><tt:TourSpot>${detail}${stay}</tt:TourSpot></tptz:Options>`;
  };
  return {
    GetPresetTours: onProfile('READ_MEDIA', [], () => respond('GetPresetTours', tours.all.map(tourXml).join(''))),
    GetPresetTour: onProfile('READ_MEDIA', ['PresetTourToken'], (body) =>
      respond('GetPresetTour', tourXml(named(textAt(body, 'PresetTourToken')))),
    ),
    GetPresetTourOptions: onProfile('READ_MEDIA', ['PresetTourToken'], () => respond('GetPresetTourOptions', options())),
    CreatePresetTour: onProfile('ACTUATE', [], () => {
      const made = tours.create();
      if (made === undefined) throw new SoapFault('Receiver', ['ter:Action', 'ter:TooManyPresetTours'], 'All places are taken');
      return respond('CreatePresetTour', `<tptz:PresetTourToken>${made.token}</tptz:PresetTourToken>`);
    }),
    ModifyPresetTour: onProfile('ACTUATE', ['PresetTour'], (body) => {
      const wanted = child(body, 'PresetTour');
      const tour = named(wanted?.attributes.get('token'));
      const spots =
        wanted === undefined
          ? []
          : readSpots(
              wanted,
              ptz.presets.map((one) => one.token),
            );
      tours.stop(tour, 'Idle');
      Object.assign(tour, { name: textAt(wanted, 'Name') ?? tour.name, spots });
      return respond('ModifyPresetTour');
    }),
    OperatePresetTour: onProfile('ACTUATE', ['PresetTourToken', 'Operation'], (body) => {
      const tour = named(textAt(body, 'PresetTourToken'));
      const operation = textAt(body, 'Operation');
      if (operation === 'Start') tours.start(tour);
      else if (operation === 'Stop') tours.stop(tour, 'Idle');
      else if (operation === 'Pause') tours.stop(tour, 'Paused');
      else throw invalidArgument('InvalidPresetTour', 'This operation is not supported');
      return respond('OperatePresetTour');
    }),
    RemovePresetTour: onProfile('ACTUATE', ['PresetTourToken'], (body) => {
      tours.remove(named(textAt(body, 'PresetTourToken')));
      return respond('RemovePresetTour');
    }),
  };
}
