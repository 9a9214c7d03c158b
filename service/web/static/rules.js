// Which question comes next and what is red, without a connection: the rules of workflows/, on what is typed here.
// tests/browser/test_offline_rules.py runs one table of cases through both.
"use strict";
const rules = (() => {
  const SITES = ["armpit", "mouth", "ear", "forehead", "other", "unknown"];
  const tenths = (text) => Math.round(parseFloat(text) * 10);
  const within = (value, { at_least, below }) => !(value < tenths(at_least ?? "-999")) && !(value >= tenths(below ?? "999"));

  // Degrees Celsius to 0.1, rounded half up; null for what is no temperature.
  const temperature = (text) => {
    const found = /^\D*?(\d{2,3})(?:[.,](\d{1,2}))?\s*[°º]?\s*([cf]?)\D*$/i.exec(text);
    if (!found) return null;
    const fine = found[1] * 100 + Number((found[2] || "").padEnd(2, "0"));
    if (fine >= 3400 && fine <= 4250) return Math.floor((fine + 5) / 10) / 10;
    if (fine >= 9320 && fine <= 10850) return Math.floor(((fine - 3200) * 10 + 90) / 180) / 10;
    return !found[2] && fine >= 34000 && fine <= 42500 ? fine / 1000 : null;
  };

  // What a typed answer means; undefined where it cannot be read, null where it was left out.
  const read = (item, values) => {
    const typed = values.map((value) => value.trim()).filter(Boolean);
    if (!typed.length) return item.skip ? null : undefined;
    const chosen = (item.choices || []).filter(([code]) => typed.includes(code)).map(([, value]) => value);
    if (item.type === "letters") {
      const signs = chosen.filter((value) => value !== item.none).sort();
      return signs.length ? signs : chosen.length ? chosen : undefined;
    }
    if (item.type === "choice" || chosen.length) return chosen[chosen.length - 1];
    if (item.type === "temperature") return temperature(typed[0]) ?? undefined;
    if (item.type !== "number") return typed[0];
    const number = /^-?\d{1,6}(?:[.,]\d{1,4})?$/.test(typed[0]) ? parseFloat(typed[0].replace(",", ".")) : NaN;
    return number >= (item.low ?? -1e9) && number <= (item.high ?? 1e9) ? number : undefined;
  };

  const facts = (plan, answers, now) => {
    const known = { answers, now, letters: new Set(), site: answers.temp_site || plan.site };
    for (const item of plan.items) {
      const value = answers[item.key];
      if (item.type === "temperature" && typeof value === "number") known.celsius = tenths(value);
      if (item.type === "letters") (value || []).filter((sign) => sign !== item.none).forEach((sign) => known.letters.add(sign));
    }
    return known;
  };

  const kinds = {
    all: (parts, known) => parts.every((part) => holds(part, known)),
    any: (parts, known) => parts.some((part) => holds(part, known)),
    not: (part, known) => !holds(part, known),
    temperature: (args, { celsius, site }) => celsius !== undefined && (!args.sites || args.sites.includes(SITES.includes(site) ? site : "unknown")) && within(celsius, args),
    sustained: (args, { celsius, now }) => celsius !== undefined && within(celsius, args) && args.earlier.some(([text, at]) => {
      const apart = Math.abs(now - at) / 60000;
      const between = ([, when]) => when > Math.min(at, now) && when < Math.max(at, now);
      return apart >= args.apart[0] && apart <= args.apart[1] && within(tenths(text), args)
        && !args.earlier.some((other) => between(other) && !within(tenths(other[0]), args));
    }),
    letters: ({ letters }, known) => letters.some((sign) => known.letters.has(sign)),
    choice: ({ item, any_of }, { answers }) => [answers[item]].flat().some((value) => any_of.includes(value)),
    number: ({ item, ...limits }, { answers }) => typeof answers[item] === "number" && answers[item] >= (limits.at_least ?? -1e9) && answers[item] < (limits.below ?? 1e9),
    answered: ({ item }, { answers }) => answers[item] != null,
  };
  const holds = (tree, known) => typeof tree === "boolean" ? tree : Object.entries(tree).every(([kind, args]) => kinds[kind](args, known));

  return {
    read,
    level: (plan, answers, now) => {
      const known = facts(plan, answers, now);
      return holds(plan.red, known) ? "red" : holds(plan.amber, known) ? "amber" : "nothing";
    },
    next: (plan, answers, now) => {
      const known = facts(plan, answers, now);
      return plan.items.find((item) => !(item.key in answers) && holds(item.when ?? true, known));
    },
  };
})();
