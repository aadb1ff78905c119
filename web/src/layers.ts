import type { Graph } from './data';

export interface Box {
  id: string;
  layer: number;
  place: number;
}

/** A layer for each box: one below the lowest of those it comes from; within a layer, near what it comes from. */
export function layersOf(graph: Graph): { boxes: Map<string, Box>; layers: string[][] } {
  const from = new Map<string, string[]>(graph.nodes.map((node) => [node.id, []]));
  for (const [a, b] of graph.edges) if (from.has(a)) from.get(b)?.push(a);
  const depth = new Map<string, number>();
  const under = new Set<string>();
  const depthOf = (id: string): number => {
    const known = depth.get(id);
    if (known !== undefined) return known;
    if (under.has(id)) return 0; // folded modules may form a circle
    under.add(id);
    const d = Math.max(-1, ...(from.get(id) ?? []).map(depthOf)) + 1;
    under.delete(id);
    depth.set(id, d);
    return d;
  };
  const layers: string[][] = [];
  for (const node of graph.nodes) (layers[depthOf(node.id)] ??= []).push(node.id);
  const boxes = new Map<string, Box>();
  layers.forEach((ids, layer) => {
    const meanPlace = (id: string) => {
      const places = (from.get(id) ?? []).map((a) => boxes.get(a)?.place ?? 0);
      return places.length ? places.reduce((s, p) => s + p, 0) / places.length : 0;
    };
    ids.sort((a, b) => meanPlace(a) - meanPlace(b));
    ids.forEach((id, i) => boxes.set(id, { id, layer, place: i - (ids.length - 1) / 2 }));
  });
  return { boxes, layers };
}
