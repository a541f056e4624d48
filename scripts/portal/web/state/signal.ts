import { type Component, options, type VNode } from 'preact';

/** A value that is shown: whoever read it while rendering is rendered again when it changes. */
export interface Signal<T> {
  value: T;
  /** Told at once and after every change. Returns the way to stop. */
  subscribe(listener: (value: T) => void): () => void;
}

/** Preact's own hooks for add-ons; their short names are part of what it promises to packages such as preact/hooks (its mangle.json). */
interface Addons {
  __r?: (vnode: VNode & { readonly __c?: Component }) => void;
  diffed?: (vnode: VNode) => void;
}

/** The component that renders now; children render after it, so there is one at a time. */
let rendering: Component | undefined;
const addons = options as Addons;
const { __r: begin, diffed: end } = addons;
addons.__r = (vnode) => {
  begin?.(vnode);
  rendering = vnode.__c;
};
addons.diffed = (vnode) => {
  end?.(vnode);
  rendering = undefined;
};

/** A new one. The part of @preact/signals that is used here, at a tenth of its size. */
export function signal<T>(initial: T): Signal<T> {
  let held = initial;
  const listeners = new Set<(value: T) => void>();
  const readers = new Set<Component>();
  return {
    get value() {
      if (rendering !== undefined) readers.add(rendering);
      return held;
    },
    set value(next) {
      if (Object.is(next, held)) return;
      held = next;
      for (const listener of [...listeners]) listener(next);
      // Each reads again as it renders; one that is gone by then renders nothing and is not here any more.
      const again = [...readers];
      readers.clear();
      for (const reader of again) reader.setState({});
    },
    subscribe(listener) {
      listeners.add(listener);
      listener(held);
      return () => listeners.delete(listener);
    },
  };
}
