import { suite } from 'uvu';

const test = suite('mutations');

test.skip('0 of 10,000 changed or replayed commands, permissions, badges, withdrawals and hand-overs are accepted');

test.run();
