import type { Explanation, Step } from './data';

/** What is shown at once: the five steps forwards, each gradient by itself backwards. */
export interface Stage {
  key: string;
  steps: Step[];
}

const forwardStages: [string, string[]][] = [
  ['embeddings', ['embeddings', 'positions', 'x', 'memory']],
  ['states', ['states', 'h']],
  ['qkv', ['queries', 'keys', 'values', 'query.weight', 'query.bias', 'key.weight', 'key.bias', 'value.weight', 'value.bias']],
  ['scores', ['hidden', 'scores', 'scaled', 'masked']],
  ['softmax', ['weights']],
  ['output', ['output', 'context']],
];

export function stagesOf(explanation: Explanation | undefined, backwards: boolean): Stage[] {
  if (!explanation) return [];
  if (backwards)
    return (explanation.backward ?? []).map((step) => ({
      key: step.name,
      steps: step.name === 'd output' ? [step, ...explanation.parameters.filter((one) => one.name.startsWith('output.'))] : [step],
    }));
  const known = new Set(forwardStages.flatMap(([, names]) => names));
  return [...forwardStages, ['other', explanation.forward.map((s) => s.name).filter((n) => !known.has(n))] as const]
    .map(([key, names]) => ({ key, steps: [...explanation.forward, ...explanation.parameters].filter((step) => names.includes(step.name)) }))
    .filter((stage) => stage.steps.length > 0);
}
