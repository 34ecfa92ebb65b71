// kubernetes.mjs NODE_MODULES: Kubernetes objects as JSON on stdin, one in a line, against the API's own schemas (npm: kubernetes-models).
// The schemas let unknown keys pass, as the API does. A key that the validator never asks for is unknown to it, and most often misspelt.
import {readFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

function watched(value, path, unread) {
  if (value === null || typeof value !== 'object') return value;
  const children = {};
  for (const key of Object.keys(value)) {
    children[key] = watched(value[key], `${path}.${key}`, unread);
    unread.add(`${path}.${key}`);
  }
  return new Proxy(value, {
    get(target, key) {
      unread.delete(`${path}.${String(key)}`);
      return Object.hasOwn(children, key) ? children[key] : target[key];
    },
  });
}

const capital = word => word[0].toUpperCase() + word.slice(1);

let wrong = 0;
for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const object = JSON.parse(line);
  const group = object.apiVersion.includes('/') ? object.apiVersion : `core/${object.apiVersion}`;
  const schema = `IoK8sApi${group.split('/').map(capital).join('')}${object.kind}`;
  const {validate} = await import(pathToFileURL(`${process.argv[2]}/kubernetes-models/_schemas/${schema}.js`));
  const name = `${object.kind} ${object.metadata.name}`;
  const unread = new Set();
  const problems = validate(watched(object, name, unread)) ? [] : validate.errors.map(error => `${error.instancePath} ${error.keyword}`);
  for (const key of unread) problems.push(`unknown: ${key}`);
  if (problems.length > 0) wrong = 1;
  console.log(`${name}: ${problems.join('; ') || 'valid'}`);
}
process.exit(wrong);
