import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Only assembly/ambient.ts, main.ts and the launcher read the environment. All other code gets values. */
const ambient = [
  {
    object: 'process',
    property: 'env',
    message: 'the environment is read in assembly/ambient.ts and handed down',
  },
  { object: 'process', property: 'argv', message: 'arguments are read in main.ts and handed down' },
  {
    object: 'process',
    property: 'cwd',
    message: 'the working folder is read in assembly/ambient.ts and handed down',
  },
  {
    object: 'process',
    property: 'exit',
    message: 'set an exit code in main.ts; let the process end by itself',
  },
  { object: 'Math', property: 'random', message: 'randomness is handed down' },
  { object: 'Date', property: 'now', message: 'a Clock is handed down: its now() never jumps' },
];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cnilab/', 'examples/'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'no-console': 'error',
    },
  },
  {
    files: ['lab/**/*.ts'],
    ignores: ['lab/main.ts', 'lab/assembly/ambient.ts'],
    rules: { 'no-restricted-properties': ['error', ...ambient] },
  },
  {
    files: ['**/*.{mjs,cjs}'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      ...tseslint.configs.disableTypeChecked.languageOptions,
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly' },
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', exports: 'writable', __dirname: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  { files: ['scripts/**', 'bench/**', 'bin/**'], rules: { 'no-console': 'off' } },
);
