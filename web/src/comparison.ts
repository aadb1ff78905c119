/** compare.json, written by `qkv compare`. */

export interface Measure {
  value: number;
  low?: number;
  high?: number;
  least?: number;
  most?: number;
}

export interface Scored {
  set: string;
  length: string;
  seen: boolean;
  n: number;
  exact_match: Measure;
  bleu: Measure;
  chrf: Measure;
  token_accuracy: Measure;
}

export interface GradientCurve {
  of: string;
  by: string;
  unit: string;
  points: { distance: number; n: number; norm: Measure; share: Measure }[];
}

export interface ComparedModel {
  model: string;
  width: number;
  matched: boolean;
  parameters: number;
  against_transformer?: number;
  lr?: number;
  seeds: number[];
  scores: Scored[];
  alignment?: { set: string; aer: Measure; uniform?: number; diagonal?: number; floor?: number }[];
  gradients?: GradientCurve[];
  entropy?: { kind: string; length: string; n: number; bits: Measure; uniform_bits: number }[];
  cost?: {
    length: string;
    source_words: number;
    target_words: number;
    multiply_adds: number;
    encoder_multiply_adds: number;
    microseconds: Measure;
    n: number;
  }[];
}

export interface Comparison {
  data: {
    folder: string;
    train_pairs: number;
    sets: { name: string; sentences: number; training: boolean }[];
  };
  settings: { seeds: number; epochs?: number; batch_size?: number; hidden?: number[] };
  lengths: { name: string; shortest: number; longest: number; seen: boolean }[];
  models: ComparedModel[];
}
