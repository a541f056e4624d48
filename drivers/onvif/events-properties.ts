/**
 * What a camera says it can tell of (Event Service Specification, GetEventProperties): a tree of topics, each of them an element inside the
 * one above it. The parser has cut off the prefixes of elements, not those of attributes.
 */
import * as z from 'zod/mini';
import type { CameraEvent } from '../port.js';
import { askEventProperties } from './events-messages.js';
import { kindOfTopic } from './events-topics.js';
import type { LinkCall, OnvifLink } from './link.js';
import { whereLacking } from './patience.js';
import { first, read } from './shapes.js';

const Properties = z.object({ TopicSet: first(z.unknown()) });
/** More than any camera has; a hostile one gets no further. */
const MOST_TOPICS = 2_000;

type Kind = CameraEvent['kind'];

/** Whether an element is a topic of its own and not only a step on the way to some. The attribute is often forgotten. */
function isTopic(element: Readonly<Record<string, unknown>>): boolean {
  if (Object.hasOwn(element, 'MessageDescription')) return true;
  const attributes = Object.entries((element.$ as Readonly<Record<string, unknown>> | undefined) ?? {});
  return attributes.some(([name, value]) => /(?:^|:)topic$/.test(name) && /^(?:true|1)$/.test(String(value)));
}

/** Topics of a parsed TopicSet as paths without prefixes, such as `RuleEngine/CellMotionDetector/Motion`. Pure; never throws. */
export function topicsOf(set: unknown): readonly string[] {
  const found: string[] = [];
  const walk = (value: unknown, path: string): void => {
    for (const element of Array.isArray(value) ? value : [value]) {
      if (typeof element !== 'object' || element === null || found.length >= MOST_TOPICS) continue;
      if (path !== '' && isTopic(element as Readonly<Record<string, unknown>>)) found.push(path);
      for (const [name, below] of Object.entries(element)) {
        // What a topic's messages look like is no topic.
        if (name === '$' || name === '_' || name === 'MessageDescription') continue;
        walk(below, path === '' ? name : `${path}/${name}`);
      }
    }
  };
  walk(set, '');
  return found;
}

/** The kinds among its topics; undefined when the camera does not tell its topics. */
export async function askKinds(link: OnvifLink, call: LinkCall): Promise<readonly Kind[] | undefined> {
  return whereLacking(undefined, async () => {
    const { TopicSet } = read(Properties, await askEventProperties(link, call), 'event topics');
    const topics = topicsOf(TopicSet);
    // A list without any topic is no list.
    if (topics.length === 0) return undefined;
    return [...new Set(topics.flatMap((topic) => kindOfTopic(topic) ?? []))];
  });
}
