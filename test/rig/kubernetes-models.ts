import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Job } from 'kubernetes-models/batch/v1';
import { Namespace, PersistentVolumeClaim } from 'kubernetes-models/v1';
import ts from 'typescript';

import { ROOT } from './cnilab.ts';

const MODELS = {
  Job: { model: Job, from: 'batch/v1' },
  Namespace: { model: Namespace, from: 'v1' },
  PersistentVolumeClaim: { model: PersistentVolumeClaim, from: 'v1' },
} as const;

/** An object of the API, as YAML or JSON has it. */
export interface Manifest {
  readonly kind: keyof typeof MODELS;
  readonly spec?: {
    readonly completions?: number;
    readonly parallelism?: number;
    readonly template?: { readonly spec: { readonly containers: readonly Container[] } };
  };
}
interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

/** What the API says of values, by the schemas that Kubernetes publishes. */
export function refused(manifest: Manifest): string | undefined {
  try {
    new MODELS[manifest.kind].model(manifest as never).validate();
    return undefined;
  } catch (thrown) {
    return String(thrown);
  }
}

/** What is not a field of the API, which the API itself would leave out: the compiler knows, from the types of the same schemas. */
export function unknownFields(manifests: readonly Manifest[], folder: string): readonly string[] {
  const file = join(folder, 'manifests.ts');
  const lines = manifests.map(({ kind, ...rest }, at) => {
    const { from } = MODELS[kind];
    const models = join(ROOT, 'node_modules/kubernetes-models', from, kind);
    return `import type { I${kind} as T${at} } from ${JSON.stringify(models)};\nexport const m${at}: T${at} = ${JSON.stringify({ kind, ...rest })};\n`;
  });
  writeFileSync(file, lines.join(''));
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    moduleResolution: ts.ModuleResolutionKind.Node10,
  });
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
