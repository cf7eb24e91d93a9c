import type { Result } from '../core/result.ts';
import { didYouMean } from './did-you-mean.ts';
import { PluginNames } from './plugin-names.ts';
import type { Spot } from './spot.ts';
import { scanTemplate, type CaptureType } from './template.ts';

const HALF_A_PAIR = /\p{Surrogate}/u;
const NO_TEXT =
  'this holds half a character (\\uD800 to \\uDFFF), which no file and no command can; take bytes from a file, with { from: ./x }';

/**
 * What a text may refer to. `matrix`: axes only, for what is fixed before anything runs. `step`: also pods and
 * containers of earlier steps. `expectation`: also those of this step, and captures.
 */
export type Reach = 'matrix' | 'step' | 'expectation';

export interface AxisValue {
  readonly text: string;
  /** a number, true or false, without quotes */
  readonly plain: boolean;
  readonly spot: Spot;
}

const ONLY_AXES =
  'only ${matrix.AXIS} can stand here, as this is fixed before anything runs; write "$${" for the characters themselves';

/** The bytes of a file whose path is meant from the folder of the scenario, or why there are none. */
export type Beside = (path: string) => Result<Uint8Array, string>;

const POD_FACTS = ['id', 'ip', 'ip6', 'netns'];
const LISTING_STEPS = ['stop-listed-pods', 'remove-listed-pods'];

/** What is known at one place of a file while it is read from top to bottom, and what may therefore be named there. */
export class Scope {
  /** reads a file beside the one that is read */
  readonly beside: Beside;
  readonly axes = new Map<string, readonly AxisValue[]>();
  readonly plugins = new PluginNames();
  readonly #declared = new Map<string, Spot>();
  readonly #run = new Set<string>();
  readonly #containers = new Set<string>();
  readonly #captures = new Map<string, CaptureType>();
  readonly #removed: { readonly name: string; readonly spot: Spot }[] = [];
  #step: string | undefined;

  constructor(beside: Beside) {
    this.beside = beside;
  }

  /** The word of the step that is being read; none at the end of the file. */
  enterStep(word: string | undefined): void {
    this.#step = word;
  }

  declarePod(name: string, spot: Spot): void {
    this.#declared.set(name, spot);
  }

  runPod(name: string, spot: Spot): void {
    if (this.#containers.has(name))
      spot.mistake(`"${name}" is a container already; give the pod another name`);
    this.#run.add(name);
  }

  get podsRun(): readonly string[] {
    return [...this.#run];
  }

  createContainer(name: string, spot: Spot): void {
    if (this.#run.has(name) || this.#declared.has(name)) {
      spot.mistake(`"${name}" is a pod already; give the container another name`);
    }
    this.#containers.add(name);
  }

  /** A configuration that a step takes away; one that nothing in the file mentions may still be the runtime's own. */
  removeConfig(name: string, spot: Spot): void {
    if (!name.includes('${')) this.#removed.push({ name, spot });
  }

  usePod(name: string, spot: Spot): void {
    if (!this.#run.has(name))
      spot.mistake(`no step before this runs pod "${name}"${this.#choices(name, this.podsRun)}`);
  }

  useContainer(name: string, spot: Spot): void {
    const known = [...this.#containers];
    if (!known.includes(name)) {
      spot.mistake(`no step before this creates container "${name}"${this.#choices(name, known)}`);
    }
  }

  /** Notes what was declared and never used, or named and never called; to be called after the last step. */
  close(): void {
    for (const values of this.axes.values()) for (const { text } of values) this.plugins.mention(text);
    this.plugins.check();
    for (const { name, spot } of this.#removed) {
      const near = this.plugins.nearest(name);
      if (near !== '') spot.mistake(`nothing in this file writes "${name}"${near}`);
    }
    for (const [name, spot] of this.#declared) {
      if (!this.#run.has(name)) {
        spot.mistake(`pod "${name}" is never run; add a step "run-pod: ${name}" or take it out`);
      }
    }
  }

  /** Notes everything in a text that is not a template, or names what is not known here. */
  checkText(text: string, { spot, reach }: { spot: Spot; reach: Reach }): void {
    if (reach !== 'expectation') {
      this.plugins.mention(text);
      if (HALF_A_PAIR.test(text)) spot.mistake(NO_TEXT);
    }
    if (!text.includes('${')) return;
    const { parts, problems } = scanTemplate(text);
    for (const { message, snippet } of problems) spot.mistake(message, snippet);
    for (const part of parts) {
      if (part.kind === 'literal') continue;
      const wrong = part.kind === 'ref' ? this.#wrongRef(part.name, reach) : this.#wrongCapture(part, reach);
      const snippet = part.kind === 'ref' ? `\${${part.name}}` : `\${${part.name}:${part.type}}`;
      if (wrong !== undefined) spot.mistake(wrong, snippet);
    }
  }

  #wrongRef(name: string, reach: Reach): string | undefined {
    const [subject = '', fact] = name.split('.');
    if (fact === undefined) return this.#wrongName(subject, reach);
    if (subject === 'matrix') {
      const axes = [...this.axes.keys()];
      if (axes.includes(fact)) return undefined;
      return axes.length === 0
        ? `there is no matrix; add one with an axis "${fact}"`
        : `the matrix has no axis "${fact}"${this.#choices(fact, axes)}`;
    }
    if (reach === 'matrix') {
      return ONLY_AXES;
    }
    if (subject === 'listed') {
      if (fact !== 'id') return `a listed pod has an id; got "${fact}"`;
      if (reach === 'expectation' && LISTING_STEPS.includes(this.#step ?? '')) return undefined;
      return `\${listed.id} is known to the expectations of ${LISTING_STEPS.join(' and ')} only`;
    }
    if (this.#run.has(subject))
      return POD_FACTS.includes(fact) ? undefined : `a pod has ${POD_FACTS.join(', ')}; got "${fact}"`;
    if (this.#containers.has(subject))
      return fact === 'id' ? undefined : `a container has an id; got "${fact}"`;
    const known = [...this.#run, ...this.#containers];
    return `no step up to here runs pod "${subject}" or creates a container of that name${this.#choices(subject, known)}`;
  }

  #wrongName(name: string, reach: Reach): string | undefined {
    if (reach === 'expectation' && this.#captures.has(name)) return undefined;
    const known = [...this.#captures.keys()];
    if (reach === 'expectation') {
      return `nothing was captured as "${name}"${didYouMean(name, known)}; write "\${${name}:word}" to capture it, "$\${${name}}" for the characters themselves`;
    }
    return `"${name}" is not known here; write "$\${${name}}" for the characters themselves`;
  }

  #wrongCapture({ name, type }: { name: string; type: CaptureType }, reach: Reach): string | undefined {
    if (reach === 'matrix') return ONLY_AXES;
    if (reach !== 'expectation')
      return 'only expectations can capture; steps know pods and containers, as ${web.id}';
    const before = this.#captures.get(name);
    if (before !== undefined && before !== type)
      return `"${name}" was captured as ${before} before; got ${type}`;
    this.#captures.set(name, type);
    return undefined;
  }

  #choices(name: string, known: readonly string[]): string {
    if (known.length === 0) return '; none so far';
    return `${didYouMean(name, known) || ';'} known: ${known.join(', ')}`;
  }
}
