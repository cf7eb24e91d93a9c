import type { ComponentRef } from './components.ts';
import type { Content } from './content.ts';
import type { JsonObject } from './content.ts';

/** The values of CNI_COMMAND that a runtime can use, in lower case. */
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
/**
 * `plugin`: the plugin never ends. `child`: a child process keeps the output of the plugin open and never ends. `both`:
 * both.
 */
export const FAKE_HANGS = ['plugin', 'child', 'both'] as const;

/**
 * What a scripted plugin does in one call. The order is: the delegate, the delay, the output, the delegate that comes
 * after, the exit. `Result` is the type that a file or a plan uses for JSON.
 */
export interface FakeBehaviour<Result = JsonObject> {
  /** a real plugin that is called first; its answer is used if the script has none */
  readonly delegate?: string;
  readonly delegateAfter?: string;
  readonly delayMs?: number;
  readonly stderr?: string;
  /** if missing, the plugin succeeds; if it hangs, dies or has an exit code, it prints no answer */
  readonly answer?: FakeAnswer<Result>;
  /** default: 0, or 1 with an error */
  readonly exitCode?: number;
  readonly signal?: (typeof FAKE_SIGNALS)[number];
  readonly hang?: (typeof FAKE_HANGS)[number];
}

export type FakeAnswer<Result = JsonObject> =
  /** for ADD; if it has no version, it gets the version that the caller asked for */
  | { readonly result: Result }
  | { readonly error: { readonly code: number; readonly msg: string; readonly details?: string } }
  /** written to standard output without changes */
  | { readonly print: Content }
  /** for VERSION */
  | { readonly versions: readonly string[] };

/**
 * For each verb the behaviours of its calls, in order. The last one is used for all further calls. `others` applies to
 * verbs that have no entry.
 */
export type FakeScript<Result = JsonObject> = {
  readonly [V in CniVerb | 'others']?: readonly FakeBehaviour<Result>[];
};

/** A plugin of the lab that follows a script: images/node-tools/internal/fake. */
export interface FakePlugin<Result = JsonObject> {
  readonly plugin: string;
  readonly script: FakeScript<Result>;
}

/**
 * The message of a scripted plugin that could not follow its script, as its caller reports it. This is not a scripted
 * failure.
 */
export const cannotFollow = (text: string): string | undefined =>
  text.includes('cannot follow its script')
    ? /the scripted plugin \S+ of cnilab cannot follow its script: [^\n"]*/.exec(text)?.[0]
    : undefined;

/** All scripted plugins are this program. */
export const FAKE_PROGRAM: ComponentRef = {
  component: 'cni-plugins',
  version: 'scripted',
  source: 'fake',
};
