import type { Content } from '../core/content.ts';
import { literally } from './template.ts';

/** A content that is to be taken as it stands, as a template that says it; bytes are taken so anyway. */
export const literalContent = ({ content, encoding }: Content): Content =>
  encoding === undefined ? { content: literally(content) } : { content, encoding };
