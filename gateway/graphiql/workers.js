// WORKER_FILES is filled in by build.mjs; the files lie beside this script, so no worker leaves the gateway's origin.
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const file = WORKER_FILES[label] ?? WORKER_FILES.editor;
    return new Worker(new URL(file, import.meta.url), { type: 'module', name: label });
  },
};
