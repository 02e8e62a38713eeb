// Checks custom resources, a JSON list on standard input, by the models of their operators, and prints what is wrong.
//
// The models' validators look at types and values and pass over fields that they do not know. TypeScript knows them: a
// literal of an interface must not have a field beyond it, at any depth.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import ts from "typescript";
import { Application } from "@kubernetes-models/argo-cd/argoproj.io/v1alpha1";
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1";
import { PrometheusRule, ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

const MODELS = {
  Application: [Application, "@kubernetes-models/argo-cd/argoproj.io/v1alpha1"],
  ScaledObject: [ScaledObject, "@kubernetes-models/keda/keda.sh/v1alpha1"],
  PrometheusRule: [PrometheusRule, "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"],
  ServiceMonitor: [ServiceMonitor, "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"],
};
const FILE = path.join(path.dirname(fileURLToPath(import.meta.url)), "resources.ts");
const OPTIONS = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};

/** Returns what the model's validator says of a resource; nothing where it is right. */
function invalid(resource) {
  try {
    new MODELS[resource.kind][0](resource).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

/** Returns a program that declares each resource as a literal of its interface, one a line after the imports. */
function program(resources) {
  const imports = Object.entries(MODELS).map(([kind, [, module]]) => `import type { I${kind} } from "${module}";`);
  const literals = resources.map((item, index) => `export const resource${index}: I${item.kind} = ${JSON.stringify(item)};`);
  return [...imports, ...literals].join("\n");
}

/** Returns what TypeScript says of each resource, by its index. */
function mistyped(resources) {
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists } = host;
  const text = program(resources);
  host.fileExists = (name) => path.resolve(name) === FILE || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    path.resolve(name) === FILE ? ts.createSourceFile(name, text, rest[0]) : getSourceFile(name, ...rest);
  const errors = resources.map(() => []);
  for (const item of ts.getPreEmitDiagnostics(ts.createProgram([FILE], OPTIONS, host))) {
    if (item.file === undefined || path.resolve(item.file.fileName) !== FILE) {
      throw new Error(ts.flattenDiagnosticMessageText(item.messageText, " "));
    }
    const line = item.file.getLineAndCharacterOfPosition(item.start).line - Object.keys(MODELS).length;
    errors[line].push(ts.flattenDiagnosticMessageText(item.messageText, " "));
  }
  return errors;
}

const resources = JSON.parse(readFileSync(0, "utf8"));
const unknown = resources.filter((item) => !(item.kind in MODELS));
if (unknown.length > 0) {
  throw new Error(`No model of ${unknown.map((item) => item.kind)}: add it to MODELS.`);
}
const types = mistyped(resources);
console.log(JSON.stringify(resources.map((item, index) => [...invalid(item), ...types[index]])));
