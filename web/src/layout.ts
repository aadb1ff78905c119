import { Graph as Layered, layout as place } from '@dagrejs/dagre';
import type { Graph } from './data';

export const boxWidth = 176;
export const boxHeight = 44;

export interface Rectangle {
  x: number; // of its middle
  y: number;
  width: number;
  height: number;
}
export interface Layout {
  width: number;
  height: number;
  boxes: Map<string, Rectangle>;
  groups: (Rectangle & { name: string })[];
  edges: { from: string; to: string; points: { x: number; y: number }[] }[];
  rows: string[][]; // boxes of the same height, from the left
}

/** The boxes in layers, below what they come from; those of a module in a frame, its modules' frames inside. */
export function layoutOf(graph: Graph): Layout {
  const layered = new Layered({ compound: true });
  layered.setGraph({ nodesep: 16, edgesep: 12, ranksep: 40, marginx: 6, marginy: 6 });
  layered.setDefaultEdgeLabel(() => ({}));
  const moduleOf = (name: string) => name.split('.').slice(0, -1).join('.');
  const groups = new Set(graph.nodes.map((node) => moduleOf(node.module)).filter((name) => name));
  const groupAround = (name: string): string | undefined => {
    const outer = moduleOf(name);
    return !outer || groups.has(outer) ? outer || undefined : groupAround(outer);
  };
  const frame = (name: string) => `frame ${name}`;
  for (const name of groups) layered.setNode(frame(name), {});
  for (const name of groups) {
    const outer = groupAround(name);
    if (outer) layered.setParent(frame(name), frame(outer));
  }
  for (const { id, module } of graph.nodes) {
    layered.setNode(id, { width: boxWidth, height: boxHeight });
    if (moduleOf(module)) layered.setParent(id, frame(moduleOf(module)));
  }
  for (const [from, to] of graph.edges) layered.setEdge(from, to);
  place(layered);

  const rectangle = (id: string) => layered.node(id) as Rectangle;
  const byHeight = new Map<number, string[]>();
  for (const { id } of graph.nodes) {
    const y = Math.round(rectangle(id).y);
    byHeight.set(y, [...(byHeight.get(y) ?? []), id]);
  }
  const { width = 0, height = 0 } = layered.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    boxes: new Map(graph.nodes.map(({ id }) => [id, rectangle(id)])),
    groups: [...groups].sort((a, b) => a.length - b.length).map((name) => ({ ...rectangle(frame(name)), name })),
    edges: graph.edges.map(([from, to]) => ({ from, to, points: (layered.edge(from, to) as { points: { x: number; y: number }[] }).points })),
    rows: [...byHeight.keys()].sort((a, b) => a - b).map((y) => byHeight.get(y)!.sort((a, b) => rectangle(a).x - rectangle(b).x)),
  };
}
