import { keyText } from '../../client/handed-text.js';
import { useSpareKey } from '../state/use-spare-key.js';
import { tt } from '../trust-words.js';
import { Problem, Skeleton } from './basics.js';
import { ShowText } from './show-text.js';

/** This device's key for another screen to read. */
export function OwnKey({ what }: { readonly what: string }) {
  const { key, error } = useSpareKey();
  if (error !== undefined) return <Problem error={error} />;
  if (key === undefined) return <Skeleton />;
  return <ShowText test="own-key" what={what} text={keyText(key.publicKey)} label={tt.qrText} />;
}
