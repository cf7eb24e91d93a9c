import type { CommandResult } from '../core/ports.ts';
import { shown } from '../core/shown.ts';

export interface StepFailedOptions {
  readonly stepId: string;
  /** what was done and what came of it, for people */
  readonly message: string;
  readonly said: string;
  readonly known: ReadonlyMap<string, string>;
  readonly result?: CommandResult;
}

/** What was asked of the runtime did not work: its own doing, or the plugins'; never the lab's. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  /** of the steps taken on this node: `2-stop-pod` */
  readonly stepId: string;
  /** the system's own words, byte for byte, without what crictl wraps around them */
  readonly said: string;
  /** what `${web.id}` and its like stood for then */
  readonly known: ReadonlyMap<string, string>;
  /** of the command that failed, where it was one */
  readonly result: CommandResult | undefined;

  constructor({ stepId, message, said, known, result }: StepFailedOptions) {
    super(shown(message));
    this.stepId = stepId;
    this.said = said;
    this.known = known;
    this.result = result;
  }
}
