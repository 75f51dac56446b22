export function startCluster() {}
