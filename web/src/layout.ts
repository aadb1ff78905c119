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
  edges: { from: string; to: string; recurs: boolean; points: { x: number; y: number }[] }[];
  rows: string[][]; // boxes of the same height, from the left
}

const known = new WeakMap<Graph, Layout>();

/** The boxes in layers, below what they come from, except from the step before in a recurrent model; those of a module in
 *  a frame, its modules' frames inside. Of a graph it is computed once, which takes several frames. */
export function layoutOf(graph: Graph): Layout {
  const layout = known.get(graph) ?? compute(graph);
  known.set(graph, layout);
  return layout;
}

function compute(graph: Graph): Layout {
  const layered = new Layered({ compound: true, multigraph: true });
  layered.setGraph({ nodesep: 16, edgesep: 12, ranksep: 40, marginx: 6, marginy: 6 });
  layered.setDefaultEdgeLabel(() => ({}));
  const moduleOf = (name: string) => name.split('.').slice(0, -1).join('.');
  const frameOf = ({ kind, module }: Graph['nodes'][number]) => (kind === 'module' ? moduleOf(module) : module);
  const groups = new Set(graph.nodes.map(frameOf).filter((name) => name));
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
  for (const node of graph.nodes) {
    layered.setNode(node.id, { width: boxWidth, height: boxHeight });
    if (frameOf(node)) layered.setParent(node.id, frame(frameOf(node)));
  }
  const recurrences = new Set(graph.recurrences.map((edge) => edge.join(' ')));
  const edges = graph.edges.map(([from, to]) => ({ from, to, recurs: recurrences.has(`${from} ${to}`) }));
  // What recurs is placed as if it led downwards, so that the layers are those of the first step.
  for (const { from, to, recurs } of edges)
    if (recurs) layered.setEdge(to, from, { weight: 0 }, 'recurs');
    else layered.setEdge(from, to);
  place(layered);

  const rectangle = (id: string) => layered.node(id) as Rectangle;
  const pointsOf = (from: string, to: string, name?: string) => [...(layered.edge(from, to, name) as { points: { x: number; y: number }[] }).points];
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
    edges: edges.map(({ from, to, recurs }) => ({ from, to, recurs, points: recurs ? pointsOf(to, from, 'recurs').reverse() : pointsOf(from, to) })),
    rows: [...byHeight.keys()].sort((a, b) => a - b).map((y) => byHeight.get(y)!.sort((a, b) => rectangle(a).x - rectangle(b).x)),
  };
}
