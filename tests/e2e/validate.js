// node validate.js SCHEMA DOCUMENT: exit status 1 and the places where the document breaks the schema (draft 2020-12).
'use strict';
const fs = require('fs');
const Ajv = require('ajv/dist/2020');
const addFormats = require('ajv-formats');

const ajv = new Ajv({allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true});
addFormats(ajv);
const validate = ajv.compile(JSON.parse(fs.readFileSync(process.argv[2])));
if (!validate(JSON.parse(fs.readFileSync(process.argv[3])))) {
  for (const error of validate.errors.slice(0, 20)) console.error(error.instancePath, error.message, JSON.stringify(error.params));
  process.exit(1);
}
