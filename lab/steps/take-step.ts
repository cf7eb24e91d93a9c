import { specOf, type PlannedAction, type Verb } from '../spec/verbs/verbs.ts';
import { COMMAND_EFFECTS } from './commands.ts';
import { CONTAINER_EFFECTS } from './containers.ts';
import type { StepContext, VerbEffects } from './context.ts';
import { FILE_EFFECTS } from './files.ts';
import { PLUGIN_EFFECTS } from './plugins.ts';
import { POD_EFFECTS } from './pods.ts';
import { askable, RUNTIME_EFFECTS } from './runtime.ts';
import { WAITING_EFFECTS } from './wait.ts';

const EFFECTS: VerbEffects<Verb> = {
  ...POD_EFFECTS,
  ...CONTAINER_EFFECTS,
  ...FILE_EFFECTS,
  ...PLUGIN_EFFECTS,
  ...RUNTIME_EFFECTS,
  ...COMMAND_EFFECTS,
  ...WAITING_EFFECTS,
};

/** Does one thing to the node. Throws NothingToActOn where the system under test left nothing to do it to. */
export async function takeStep(context: StepContext, action: PlannedAction): Promise<void> {
  if (specOf(action).needsRuntime === true) await askable(context);
  // the table is indexed by the very tag that types the action; TypeScript cannot follow that across a union
  const take = EFFECTS[action.do] as (context: StepContext, action: PlannedAction) => Promise<void>;
  await take(context, action);
}
