import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { AppState } from './app-state.js';

/** Holds the app's state for every component below it. */
export const AppContext = createContext<AppState | undefined>(undefined);

/** The app's state, from any component below the root. */
export function useApp(): AppState {
  const app = useContext(AppContext);
  if (app === undefined)
    throw new AgentError({ code: 'portal.no_context', say: 'Shown outside the app.', fix: 'Render it below AppContext.' });
  return app;
}
