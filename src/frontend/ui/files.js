export function startFiles() {}
