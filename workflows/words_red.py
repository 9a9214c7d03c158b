"""What a patient may say that is red by itself, as patterns on spoken text (see `words_signs`).

A meaning's name is what the person on call reads: it is kept with the text.
"""

from __future__ import annotations

_A_FEW = r"(?:\w+ ){0,3}"
_BODY_FLUID = r"(?:urina|xixi|fezes|coco|vomito|escarro|catarro|evacuacao)"
_FLUID = r"(?:urine|pee|stools?|poop|vomit|phlegm|sputum)"

RED_SAYINGS: dict[str, tuple[str, ...]] = {
    "chest_pain": (
        rf"dor(?:es)? {_A_FEW}(?:no|em|do) (?:meu )?peito",
        r"peito (?:\w+ ){0,2}(?:doendo|doi|dolorido|apertad[oa]|apertando)",
        r"(?:aperto|pressao|pontada|queimacao) (?:\w+ )?no (?:meu )?peito",
        r"dor toracica",
        r"infart\w*",
        r"chest (?:\w+ ){0,2}(?:pain|hurt|tight|pressure|ach|hevy|heavy)\w*",
        r"h?e?art attack",
        r"chest pane",
        r"(?:dor|aperto|pontada) no coracao",
        r"(?:pain\w*|tightness|pressure|hurt\w*|ache) (?:in|on) (?:my |the )?chest",
    ),
    "fainting": (
        r"desma(?:i(?!l)\w*|ia\w*)",
        r"faint\w*",
        r"pass(?:ed|ing)? out",
        r"black(?:ed|ing)? out",
        r"collapsed",
        r"apaguei|apagou",
        r"perd(?:i|eu|endo) (?:a |os |o )?(?:consciencia|sentidos)",
        r"unconscious\w*",
        r"inconsciente",
        r"desacordad[oa]",
        r"los(?:t|ing) consciousness",
    ),
    "seizure": (r"convuls\w*", r"seizures?", r"ataque epiletico"),
    "stroke": (
        r"avc",
        r"derrame",
        r"(?:a|having|had) stroke",
        r"boca torta",
        r"(?:fala|voz) enrolada|fal(?:ando|a) enrolado",
        r"slurred speech",
        r"(?:face|rosto) (?:\w+ )?(?:drooping|paralisad[oa]|torto)",
        r"paralisad[oa]",
        r"nao (?:sinto|mexo) (?:\w+ )?(?:perna|braco|rosto|lado)s?",
    ),
    "head": (
        rf"dor(?:es)? de cabeca {_A_FEW}(?:forte|fortissima|horrivel|insuportavel|terrivel|explodi\w*)",
        r"worst headache|pior dor de cabeca",
        r"(?:forte|horrivel|terrivel|muita) dor de cabeca",
        r"cabeca (?:\w+ )?explodi\w*",
        r"(?:visao|vista) (?:\w+ )?(?:dupla|turva|embacada)",
        r"(?:terrible|severe|very bad|really bad|bad|horrible|awful) headache",
        r"headache (?:\w+ ){0,2}(?:bad|terrible|severe)",
        r"blurr(?:y|ed) vision|vision (?:\w+ )?blurr\w*",
        r"double vision|seeing double",
        r"vendo (?:tudo )?(?:dobrado|duplo|embacado|borrado)",
    ),
    "allergy": (
        r"inchaco (?:no|na|nos) (?:rosto|lingua|labios?|garganta)",
        r"(?:reacao alergica|alergia (?:muito )?(?:forte|grave))|(?:severe |bad |an )?allergic reaction",
        r"anafila\w*|anaphyla\w*",
        r"garganta (?:\w+ )?fechando",
        r"throat (?:\w+ )?clos\w*",
        r"(?:lingua|labios?|rosto) inchad[oa]s?",
        r"swollen (?:tongue|lips?|face)|(?:tongue|lips?|face) (?:\w+ )?(?:swollen|swelling)",
        r"choque alergico",
    ),
    "blood_inside": (
        rf"sangue (?:\w+ )?(?:na|no|nas|nos) (?:minhas? |meu )?{_BODY_FLUID}",
        rf"{_BODY_FLUID} (?:\w+ ){{0,2}}sangue",
        r"(?:vomit\w*|urin\w+|mij\w+|evacu\w+|cag\w+|defec\w+) (?:\w+ )?sangue",
        rf"blood(?:y)? (?:\w+ )?(?:in )?(?:my |the )?{_FLUID}",
        r"(?:vomit\w*|throwing up|threw up|pee\w*|pass\w*|poop\w*) blood",
        r"(?:fezes|coco|vomito) (?:\w+ )?(?:pret[ao]s?|escur[ao]s?)",
        r"black (?:tarry )?stools?",
        r"borra de cafe|coffee grounds?",
        r"sangue no vaso",
        r"(?:tossi\w*|escarr\w*) (?:\w+ )?sangue|cough\w* (?:up )?(?:a lot of )?blood",
        r"(?:urina|xixi) (?:\w+ ){0,2}coca(?: cola)?",
        r"blood when i (?:pee|poop|go)",
        r"(?:urina|xixi) (?:\w+ )?vermelh[ao]",
        r"red (?:urine|pee)",
    ),
    "bleeding_not_stopping": (
        r"hemorragi\w*",
        r"ha?emorrhag\w*",
        r"sangue jorrando|jorrando sangue",
        r"bleeding (?:out|heavily|badly|a lot|everywhere)",
        r"sangrando (?:muito|demais)",
        r"heavy bleeding",
    ),
    "ambulance": (
        r"ambulancias?",
        r"ambulances?",
        r"(?<!\d )(?<!dia )(?:192|911)$",
        r"^(?:192|911)",
        r"(?:call|chama|chamem|liga|ligar|dial) (?:\w+ ){0,2}(?:192|911)",
    ),
    "socorro": (r"(?<!pronto )socorr(?:o|a|e|am|em)",),
    "emergency": (
        r"(?<!contato de )(?<!numero de )(?<!telefone de )(?<!caso de )emergencia(?! (?:mudou|e \d))",
        r"emergency(?! (?:room|contact|number|phone|dept|department))",
    ),
    "dying": (
        r"vou morrer(?! de (?:rir|fome|saudade|sono|vontade|calor|frio|medo))",
        r"morrendo(?! de (?:rir|fome|saudade|sono|vontade|calor|frio|medo))",
        r"(?:im|i am|going to|gonna) (?:dying|die)(?! (?:of laughter|laughing|to ))",
        r"(?:quero|queria) morrer",
        r"suicid\w*",
        r"me matar|tirar (?:a )?minha vida",
        r"kill myself|want (?:to )?die|end my life",
    ),
}

RED_EVEN_NEGATIVE: dict[str, tuple[str, ...]] = {
    "fainting": (
        r"(?:ela|ele|nao|que) nao (?:acorda|responde|reage)",
        r"nao (?:acorda|reage)",
        r"(?:not|isnt|wont|doesnt|cant) (?:waking|wake) up|unresponsive",
    ),
    "head": (
        r"nao (?:\w+ )?(?:enxergo|enxergando|consigo enxergar)",
        r"cant see (?:anything|well|properly|out|from|straight)",
        r"lost my (?:vision|sight)",
    ),
    "bleeding_not_stopping": (
        r"nao (?:\w+ )?(?:para|parou|parando|estanca|estancou) (?:\w+ )?(?:de )?"
        r"(?:sangr\w*|o sangue|(?:sair|vir|descer) sangue)",
        r"sangr?\w* (?:\w+ ){0,4}(?:nao (?:\w+ )?(?:para|parou|estanca|parando|cessa)|sem parar)",
        r"(?:cant|wont|doesnt|isnt|not|hasnt|havent) stop\w* (?:the |my )?(?:\w+ )?bleed\w*",
        r"(?:bleed\w*|nosebleed) (?:\w+ ){0,4}(?:wont|doesnt|not|hasnt|isnt|cant|never|"
        r"will not) (?:be )?(?:stop|quit)\w*",
        r"(?:bleed\w*|blood) nonstop",
        r"menstruac\w* (?:\w+ )?nao para",
        r"nao consigo (?:parar|estancar) (?:\w+ )?(?:sangr\w*)",
    ),
}
