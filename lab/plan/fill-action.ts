import type { Content } from '../core/content.ts';
import { unreachable } from '../core/result.ts';
import type { Action, Condition } from '../spec/scenario.ts';
import { fillFile, fillLog, fillText, type Cell, type FilledCell } from './fill.ts';
import type { PlannedAction } from './plan.ts';

/** Actions that name no version; those that do are the plan's own business. */
type PlainAction = Exclude<Action, { do: 'install-plugins' | 'replace-containerd' }> & PlannedAction;

/** What steps fill in themselves stays a template; all else says what it says. */
export function fillAction(action: PlainAction, filled: FilledCell): PlannedAction {
  const cell = filled.values;
  const final = (text: string) => fillText(text, { cell, mode: 'final' });
  const template = (text: string) => fillText(text, { cell, mode: 'template' });
  switch (action.do) {
    case 'create-container':
    case 'exec-container':
      return { ...action, command: action.command.map(template) };
    case 'write-files':
    case 'write-cni-config':
      return {
        ...action,
        files: action.files.map((file) => fillFile(file, { cell: filled, mode: 'template' })),
      };
    case 'remove-files':
      return { ...action, nodePaths: action.nodePaths.map(final) };
    case 'remove-cni-config':
      return { ...action, names: action.names.map(final) };
    case 'fake-plugin':
      return { ...action, script: fillContent(action.script, final) };
    case 'exec':
      return {
        ...action,
        argv: action.argv.map(template),
        ...(action.stdin === undefined ? {} : { stdin: template(action.stdin) }),
      };
    case 'connect':
      return {
        ...action,
        to: template(action.to),
        ...(action.send === undefined ? {} : { send: template(action.send) }),
      };
    case 'wait-for':
      return { ...action, condition: fillCondition(action.condition, cell) };
    case 'run-pod':
    case 'stop-pod':
    case 'remove-pod':
    case 'stop-listed-pods':
    case 'remove-listed-pods':
    case 'start-container':
    case 'stop-container':
    case 'remove-container':
    case 'remove-plugins':
    case 'stop-containerd':
    case 'kill-containerd':
    case 'start-containerd':
      return action;
    default:
      return unreachable(action);
  }
}

/** Bytes that are no text refer to nothing. */
const fillContent = (script: Content, fill: (text: string) => string): Content =>
  script.encoding === undefined ? { content: fill(script.content) } : script;

function fillCondition(condition: Condition, cell: Cell): Condition {
  switch (condition.until) {
    case 'log':
      return { ...condition, line: fillLog(condition.line, cell) };
    case 'command':
      return { ...condition, argv: condition.argv.map((word) => fillText(word, { cell, mode: 'template' })) };
    case 'network-ready':
    case 'pod':
      return condition;
    default:
      return unreachable(condition);
  }
}
