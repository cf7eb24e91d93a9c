import { shown } from '../core/shown.ts';

/** An element of an XML document; children in their order, text or elements. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (Element | string)[];
}

/** A document, indented by two; an element that holds text stands on one line with it. */
export function formatXml(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${formatElement(root, '')}\n`;
}

function formatElement({ name, attributes, children }: Element, indent: string): string {
  const told = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escapeAttribute(String(value))}"`,
  );
  const open = `${indent}<${name}${told.join('')}`;
  if (children.length === 0) return `${open}/>`;
  if (children.every((child) => typeof child === 'string'))
    return `${open}>${children.map(escapeText).join('')}</${name}>`;
  const inner = children.map((child) =>
    typeof child === 'string' ? escapeText(child) : formatElement(child, `${indent}  `),
  );
  return `${open}>\n${inner.join('\n')}\n${indent}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeText(text: string): string {
  return allowed(text)
    .replaceAll(/[&<>]/g, (character) => ENTITIES[character] ?? character)
    .replaceAll('\r', '&#13;');
}

/** A parser would turn line breaks and tabs of an attribute into spaces. */
function escapeAttribute(text: string): string {
  return allowed(text)
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
    .replaceAll(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * What XML 1.0 cannot hold at all, not even escaped, is spelled out, https://www.w3.org/TR/xml/#charsets, and so is what a
 * reader could not see: `\u001b`, `\u202e`. A carriage return is escaped as XML does it.
 */
function allowed(text: string): string {
  return text
    .split('\r')
    .map(shown)
    .join('\r')
    .replaceAll(
      /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}
