// Completion scripts for shells with programmable completion, and a list function for ash.

import type { CompletionNode, CompletionOption } from './completion-words.ts';
import { shellQuoted } from './completion-words.ts';

const SHELLS = ['ash', 'bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Tree {
  readonly global: readonly CompletionOption[];
  readonly nodes: readonly CompletionNode[];
}

function treeOf(nodes: readonly CompletionNode[]): Tree {
  return { global: nodes[0]?.options ?? [], nodes };
}

const namesOf = (options: readonly CompletionOption[]): string[] =>
  options.flatMap(({ names }) => names);

const valueNames = (tree: Tree): string[] => [
  ...new Set(
    tree.nodes.flatMap(({ options }) => namesOf(options.filter(({ takesValue }) => takesValue))),
  ),
];

/** `'user add') … ;;`: the words and options that may follow. */
function cases(tree: Tree, line: (node: CompletionNode) => string): string {
  return tree.nodes
    .map((node) => `    ${shellQuoted(node.path.join(' '))}) ${line(node)} ;;`)
    .join('\n');
}

const wordNames = ({ words }: CompletionNode): string[] => words.map(({ name }) => name);

// A word counts only where the command tree has it at that place, so arguments are skipped; options and their
// values are skipped too.
function pathLoop(tree: Tree): string {
  const values = valueNames(tree).join('|');
  return `    case $skip in 1) skip=0; continue ;; esac
    case $word in
      ${values}) skip=1; continue ;;
      -*) continue ;;
    esac
    _mailctl_next "$at"
    case " $next " in *" $word "*) at="\${at:+$at }$word" ;; esac`;
}

/** Sets \`next\` and \`flags\` for the words typed; for POSIX shells, bash and zsh. */
function nextFunction(tree: Tree): string {
  const own = ({ options }: CompletionNode) =>
    namesOf(options.filter((option) => !tree.global.includes(option)));
  const line = (node: CompletionNode) =>
    `next=${shellQuoted(wordNames(node).join(' '))} flags=${shellQuoted(own(node).join(' '))}`;
  return `_mailctl_next() {
  next='' flags=''
  case $1 in
${cases(tree, line)}
  esac
}
_mailctl_global=${shellQuoted(namesOf(tree.global).join(' '))}`;
}

function bashScript(tree: Tree): string {
  return `# Completion of mailctl for bash: mailctl completion bash >/etc/bash_completion.d/mailctl
${nextFunction(tree)}
_mailctl() {
  local at='' skip=0 word next flags current=\${COMP_WORDS[COMP_CWORD]}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${pathLoop(tree)}
  done
  case $skip in 1) COMPREPLY=($(compgen -f -- "$current")); return ;; esac
  _mailctl_next "$at"
  case $current in
    -*) COMPREPLY=($(compgen -W "$flags $_mailctl_global" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$next" -- "$current")) ;;
  esac
}
complete -o default -F _mailctl mailctl
`;
}

function zshList(node: CompletionNode): string {
  const described = ({ name, description }: { name: string; description: string }) =>
    shellQuoted(`${name}:${description}`);
  return node.words.map(described).join(' ');
}

function zshScript(tree: Tree): string {
  return `#compdef mailctl
# Completion of mailctl for zsh: mailctl completion zsh >/usr/share/zsh/vendor-completions/_mailctl
${nextFunction(tree)}
_mailctl() {
  local at='' skip=0 word next flags
  local -a described
  for word in "\${(@)words[2,CURRENT-1]}"; do
${pathLoop(tree)}
  done
  case $skip in 1) _files; return ;; esac
  _mailctl_next "$at"
  case $PREFIX in
    -*) compadd -- \${=flags} \${=_mailctl_global}; return ;;
  esac
  case $at in
${cases(tree, (node) => `described=(${zshList(node)})`)}
  esac
  if (( \${#described} )); then _describe word described; else _files; fi
}
if [ "\${funcstack[1]}" = _mailctl ]; then _mailctl "$@"; else compdef _mailctl mailctl; fi
`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function fishOption(
  { names, description, takesValue }: CompletionOption,
  condition: string,
): string {
  const flags = names.map((name) =>
    name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  const value = takesValue ? ' -r -F' : '';
  return `complete -c mailctl${condition} ${flags.join(' ')}${value} -d ${fishQuoted(description)}`;
}

function fishNode(tree: Tree, node: CompletionNode): string[] {
  const condition = ` -n ${fishQuoted(`test (__mailctl_path) = "${node.path.join(' ')}"`)}`;
  const words = node.words.map(
    ({ name, description }) =>
      `complete -c mailctl${condition} -f -a ${name} -d ${fishQuoted(description)}`,
  );
  const own = node.options.filter((option) => !tree.global.includes(option));
  return [...words, ...own.map((option) => fishOption(option, condition))];
}

function fishScript(tree: Tree): string {
  const words = tree.nodes.map(
    (node) =>
      `        case ${fishQuoted(node.path.join(' '))}\n            printf '%s\\n' ${wordNames(node).join(' ')}`,
  );
  return `# Completion of mailctl for fish: mailctl completion fish >~/.config/fish/completions/mailctl.fish
function __mailctl_words
    switch "$argv"
${words.join('\n')}
    end
end
function __mailctl_path
    set -l path
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word ${valueNames(tree).join(' ')}
            set skip 1
        else if contains -- $word (__mailctl_words $path)
            set -a path $word
        end
    end
    echo "$path"
end
${tree.global.map((option) => fishOption(option, '')).join('\n')}
${tree.nodes.flatMap((node) => fishNode(tree, node)).join('\n')}
`;
}

function ashScript(tree: Tree): string {
  return `# BusyBox ash completes only file names, so Tab cannot complete the commands of mailctl.
# The next best: loaded into the shell, this file gives it the word mailctl_words, which lists them.
#   mailctl completion ash >/etc/profile.d/mailctl.sh
#   mailctl_words          the words of mailctl
#   mailctl_words user     the words and options that may follow "mailctl user"
${nextFunction(tree)}
mailctl_words() {
  local next flags word
  _mailctl_next "$*"
  for word in $next $flags $_mailctl_global; do echo "$word"; done
}
`;
}

export function completionScript(shell: Shell, nodes: readonly CompletionNode[]): string {
  const tree = treeOf(nodes);
  const scripts = { ash: ashScript, bash: bashScript, zsh: zshScript, fish: fishScript };
  return scripts[shell](tree);
}
