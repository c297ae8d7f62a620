// How a panel's fields look: its defaults and overrides, applied by Grafana's own code, and its transformations.
//
// Grafana registers the options of a field in its core, which is not published; what is registered here are the standard
// ones under the names that the dashboard model gives them, and of the panel's own whatever the panel says.

import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  displayNameOverrideProcessor,
  FieldConfigOptionsRegistry,
  FieldType,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  stringOverrideProcessor,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

// Some of them have two names.
const TRANSFORMERS = new Map(Object.values(standardTransformers).map((transformation) => [transformation.id, transformation]));
standardTransformersRegistry.setInit(() =>
  [...TRANSFORMERS.values()].map((transformation) => ({ id: transformation.id, name: transformation.name, transformation })),
);

const isNumber = (field) => field.type === FieldType.number;
const always = () => true;

/// The first step of a threshold is below everything, which JSON has no word for.
function fromBelow(thresholds) {
  return thresholds && { ...thresholds, steps: thresholds.steps.map((step, at) => (at === 0 ? { ...step, value: -Infinity } : step)) };
}

const STANDARD = [
  { id: 'displayName', process: displayNameOverrideProcessor, shouldApply: always },
  { id: 'unit', process: identityOverrideProcessor, shouldApply: always },
  { id: 'min', process: numberOverrideProcessor, shouldApply: isNumber },
  { id: 'max', process: numberOverrideProcessor, shouldApply: isNumber },
  { id: 'decimals', process: numberOverrideProcessor, shouldApply: isNumber },
  { id: 'noValue', process: stringOverrideProcessor, shouldApply: always },
  { id: 'color', process: identityOverrideProcessor, shouldApply: always },
  { id: 'thresholds', process: fromBelow, shouldApply: always },
  { id: 'mappings', process: identityOverrideProcessor, shouldApply: always },
  { id: 'links', process: identityOverrideProcessor, shouldApply: always },
].map((option) => ({ ...option, path: option.id }));

function registry({ defaults = {}, overrides = [] }) {
  const overridden = overrides.flatMap(({ properties }) => properties.map(({ id }) => id));
  const own = [...Object.keys(defaults.custom ?? {}).map((key) => `custom.${key}`), ...overridden.filter((id) => id.startsWith('custom.'))];
  const custom = [...new Set(own)].map((id) => ({
    id,
    path: id.slice('custom.'.length),
    isCustom: true,
    process: identityOverrideProcessor,
    shouldApply: (field) => field.type !== FieldType.time,
  }));
  const unknown = overridden.filter((id) => !id.startsWith('custom.') && !STANDARD.some((option) => option.id === id));
  if (unknown.length > 0) {
    throw new Error(`overrides that are not known here: ${unknown.join(', ')}`);
  }
  return new FieldConfigOptionsRegistry(() => [...STANDARD, ...custom].map((option) => ({ name: option.id, ...option })));
}

/// The frames as the panel draws them: transformed, and each field with its unit, colours, limits and texts.
export async function dressed(frames, panel, { theme, timeZone }) {
  const transformations = (panel.transformations ?? []).filter(({ disabled }) => !disabled);
  const unknown = transformations.filter(({ id }) => !standardTransformersRegistry.getIfExists(id));
  if (unknown.length > 0) {
    throw new Error(`transformations that are not known here: ${unknown.map(({ id }) => id).join(', ')}`);
  }
  const data = await lastValueFrom(transformDataFrame(transformations, frames, { interpolate: (text) => text }));
  const fieldConfig = panel.fieldConfig ?? { defaults: {}, overrides: [] };
  const drawn = applyFieldOverrides({
    data,
    fieldConfig,
    fieldConfigRegistry: registry(fieldConfig),
    replaceVariables: (text) => text,
    theme,
    timeZone,
  });
  // A column's own name is taken for its title where it is not worked out before.
  cacheFieldDisplayNames(drawn);
  return drawn;
}
