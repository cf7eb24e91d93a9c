import { EXIT } from './exit-codes.ts';
import type { World } from '../assembly/world.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** They ask `cnilab complete -- WORD…`, which prints a line a word: the word, a tab, what it is. No line: file names. */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_cnilab() {
  local word about
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    COMPREPLY+=("$word")
  done < <("$1" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _cnilab cnilab
`,
  zsh: `#compdef cnilab
_cnilab() {
  local word about
  local -a found
  while IFS=$'\\t' read -r word about; do
    found+=("\${word//:/\\\\:}:$about")
  done < <("$words[1]" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( $#found )); then _describe cnilab found; else _files; fi
}
compdef _cnilab cnilab
`,
  fish: `function __cnilab_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    cnilab complete -- $words "$current" 2>/dev/null
end
complete -c cnilab -a '(__cnilab_complete)'
`,
};

/** `cnilab completion`: the script for a shell. */
export function completionCommand(world: World, shell: Shell): number {
  world.out.write(SCRIPTS[shell]);
  return EXIT.pass;
}
