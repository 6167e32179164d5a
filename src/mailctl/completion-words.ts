// The words and options of the command line for the completion scripts, read from the command tree.

import type { Command, Option } from 'commander';

export interface CompletionOption {
  /** Such as `-f` and `--follow`. */
  readonly names: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
}

export interface CompletionNode {
  /** The words typed so far, without the program's name; empty for the program itself. */
  readonly path: readonly string[];
  readonly words: readonly { readonly name: string; readonly description: string }[];
  /** Its own options; the first node has the global ones. */
  readonly options: readonly CompletionOption[];
}

function describeOption({
  short,
  long,
  description,
  required,
  optional,
}: Option): CompletionOption {
  const names = [short, long].filter((name): name is string => name != null);
  return { names, description, takesValue: required || optional };
}

/** Every command with its subcommands and options, the program first. */
export function completionNodes(
  command: Command,
  path: readonly string[] = [],
): readonly CompletionNode[] {
  const options = command.options.filter(({ hidden }) => !hidden).map(describeOption);
  const help = { names: ['--help'], description: 'show help', takesValue: false };
  const node: CompletionNode = {
    path,
    words: command.commands.map((child) => ({
      name: child.name(),
      description: child.description(),
    })),
    options: path.length === 0 ? [...options, help] : options,
  };
  const children = command.commands.flatMap((child) =>
    completionNodes(child, [...path, child.name()]),
  );
  return [node, ...children];
}

/** A text between single quotes, for every shell but fish. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
