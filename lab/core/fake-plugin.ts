import type { ComponentRef } from './components.ts';
import type { Content } from './content.ts';
import type { JsonObject } from './content.ts';

/** What a runtime asks of a plugin, by CNI_COMMAND in small letters. */
export const CNI_VERBS = ['add', 'del', 'check', 'status', 'version', 'gc'] as const;
export type CniVerb = (typeof CNI_VERBS)[number];

export const FAKE_SIGNALS = [
  'SIGKILL',
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGPIPE',
  'SIGABRT',
  'SIGSEGV',
] as const;
/** `plugin`: it never ends; `child`: a child of it keeps its output open and never ends; or both. */
export const FAKE_HANGS = ['plugin', 'child', 'both'] as const;

/**
 * What a scripted plugin does in one call, in this order: the delegate, the delay, what it prints, the delegate that comes after, its
 * end. `Result` is what a file or a plan says for JSON.
 */
export interface FakeBehaviour<Result = JsonObject> {
  /** a real plugin that is called first; its answer is passed on where there is no own one */
  readonly delegate?: string;
  readonly delegateAfter?: string;
  readonly delayMs?: number;
  readonly stderr?: string;
  /** missing: it succeeds, or never comes to an answer where it hangs, dies or has an exit code */
  readonly answer?: FakeAnswer<Result>;
  /** default: 0, and 1 with an error */
  readonly exitCode?: number;
  readonly signal?: (typeof FAKE_SIGNALS)[number];
  readonly hang?: (typeof FAKE_HANGS)[number];
}

export type FakeAnswer<Result = JsonObject> =
  /** of ADD; gets the version that was asked for where it has none */
  | { readonly result: Result }
  | { readonly error: { readonly code: number; readonly msg: string; readonly details?: string } }
  /** on standard output, as it is */
  | { readonly print: Content }
  /** of VERSION */
  | { readonly versions: readonly string[] };

/** By verb, one behaviour for each call, of which the last is for all further ones; `others` are verbs that are not named. */
export type FakeScript<Result = JsonObject> = {
  readonly [V in CniVerb | 'others']?: readonly FakeBehaviour<Result>[];
};

/** A plugin that is ours and acts as the script says: images/node-tools/internal/fake. */
export interface FakePlugin<Result = JsonObject> {
  readonly plugin: string;
  readonly script: FakeScript<Result>;
}

/** What a scripted plugin says that is not able to do as its script says, by way of whoever called it: no scripted failure. */
export const cannotFollow = (text: string): string | undefined =>
  text.includes('cannot follow its script')
    ? /the scripted plugin \S+ of cnilab cannot follow its script: [^\n"]*/.exec(text)?.[0]
    : undefined;

/** The one program of all of them. */
export const FAKE_PROGRAM: ComponentRef = {
  component: 'cni-plugins',
  version: 'scripted',
  source: 'fake',
};
