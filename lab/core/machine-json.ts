/** What JSON that a program wrote must look like; fields that are not named are let through. */
export type Is = (value: unknown) => boolean;
export type Fields = Readonly<Record<string, Is>>;

export const text: Is = (value) => typeof value === 'string';
export const number: Is = (value) => typeof value === 'number';
export const boolean: Is = (value) => typeof value === 'boolean';
export const maybe =
  (is: Is): Is =>
  (value) =>
    value === undefined || is(value);
export const orNull =
  (is: Is): Is =>
  (value) =>
    value === null || is(value);
export const list =
  (is: Is): Is =>
  (value) =>
    Array.isArray(value) && value.every(is);
export const texts: Is = (value) => isObject(value) && Object.values(value).every(text);
export const object =
  (fields: Fields): Is =>
  (value) =>
    isObject(value) && wrongField(fields, value) === undefined;

/** The first of these fields that a value has not, or not as it must be. */
export const wrongField = (fields: Fields, value: Readonly<Record<string, unknown>>): string | undefined =>
  Object.entries(fields).find(([name, is]) => !is(value[name]))?.[0];

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
