/** Set-up cannot go on. The message is one sentence for a person: what is wrong and what to do. */
export class SetupFailure extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.name = 'SetupFailure';
    this.exitCode = exitCode;
  }
}
