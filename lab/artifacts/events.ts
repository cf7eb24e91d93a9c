import type { SourceName } from '../core/components.ts';
import type { Artifact } from './artifact.ts';

/** What fetching has to say while it happens. `what` is the artifact as people name it: `containerd 1.6.3`. */
export type ArtifactEvent =
  | {
      readonly kind: 'artifact-progress';
      readonly what: string;
      readonly source: SourceName | 'own';
      /** what is being done, in the present participle: `downloading`, `building` */
      readonly step: string;
      readonly doneBytes?: number;
      readonly totalBytes?: number;
    }
  /** one source does not serve; the next one is tried */
  | {
      readonly kind: 'artifact-refused';
      readonly what: string;
      readonly source: SourceName | 'own';
      readonly why: string;
    }
  /** it was had, from `source`, though an earlier one has it and what came from there was wrong */
  | {
      readonly kind: 'artifact-instead';
      readonly what: string;
      readonly source: SourceName | 'own';
      readonly broken: { readonly source: SourceName | 'own'; readonly why: string };
    }
  /** another lab on this cache is making the same thing */
  | { readonly kind: 'artifact-waiting'; readonly what: string }
  /** what lay in the cache is not what was put there; it is removed and made again */
  | { readonly kind: 'artifact-damaged'; readonly what: string; readonly why: string }
  | {
      readonly kind: 'artifact-ready';
      readonly what: string;
      readonly artifact: Artifact;
      /** `cache`: nothing had to be done */
      readonly from: 'cache' | 'source';
    };
