"""What a patient may say for each sign, as patterns on spoken text (`workflows.words_ear.spoken`).

The letters are those of the daily question. A pattern that is itself a negative ("cannot breathe") stands in
`EVEN_NEGATIVE`; for all others the ear asks whether the word was denied ("no fever").
"""

from __future__ import annotations

import re

from workflows.words_red import RED_EVEN_NEGATIVE, RED_SAYINGS

FEVER = "fever"
HELP = "help"


_SAYINGS: dict[str, tuple[str, ...]] = {
    FEVER: (
        r"(?<!yellow )(?<!hay )(?<!cabin )(?:febr[eia]\w*|fever(?:s|ish\w*|ed)?)(?! amarela| do feno|"
        r" pitch| free)",
        r"pirexia|pyrexia",
        r"temp(?:eratur[ae])? (?:\w+ ){0,2}(?:alt[ao]|altissima|elevada|subiu|subindo|high|up|rising|raised)",
        r"(?:high|alta|raised|elevated|running a) temp\w*",
        r"burning up",
        r"(?:got|have|having|has|running) a temp\w*(?! (?:question|log|chart))",
        r"(?:estou|to|corpo|testa|pele|sinto|sentindo) (?:muito |tod[ao] |bem |esta )*(?:quente|pelando|"
        r"fervendo)",
        r"(?:estou|to|corpo) (?:muito |tod[ao] |esta )*ardendo",
        r"ardendo em",
        r"(?:im|i am|feel|feeling) (?:very |so |really |too |all )*hot",
        r"hot (?:to )?the touch",
        r"(?:skin|forehead|body|head) (?:\w+ ){0,3}(?:hot|fire|burning)",
        r"(?:queimando|pelando|fervendo) de",
        r"(?:amanhec\w+|acordei|acordou|fiquei|continu\w+) (?:muito |bem |tod[ao] )?quente|quentura",
        r"esquent(?:ei|ando|ou) (?:muito|demais|de novo|todo|o corpo)",
        r"(?:estou|to|corpo|testa|pele|rosto|olhos) (?:\w+ )?(?:queimando(?! (?:[ao]s? |calorias|gordura))|"
        r"pegando fogo)",
        r"(?:acordei|amanheci) (?:queimando|pegando fogo)|"
        r"quente (?:igual|que nem|feito|como) (?:uma |um )?(?:brasa|fogo|forno|chaleira)",
        r"^(?:queimando|fervendo|pelando|quente(?: quente)*)$",
    ),
    "A": (
        r"calafri\w*",
        r"escalofrio\w*",
        r"shiver\w*",
        r"chills",
        r"(?:a|the|bad|got|have|had) chill",
        r"arrepi(?:os?|ad[oa]) de frio",
        r"(?<!um )(?<!uma )tremendo$",
        r"e tremendo|(?:^|e |noite |dia |muito )trem[ei]u?$|tremi (?:muito|tod[ao]|a noite|de frio)",
        r"(?:sacudindo|batendo|tremendo|pulando) (?:\w+ )?de frio",
        r"tremedeira\w*",
        r"tremores",
        r"(?:estou|to|estava|esta|fico|fiquei|corpo|tod[ao]) (?:\w+ )?tremendo",
        r"tremendo (?:de|muito|sem|tod[ao])",
        r"(?:batend?o|batem|batia) (?:os? )?(?:dentes?|queixo)",
        r"teeth (?:are )?chattering",
        r"rigors?",
        r"(?:cant stop|im|i am|been|keep|body is) shaking",
        r"shaking (?:with|from|like|all|uncontrol\w*|a lot)",
    ),
    "B": (
        r"falta(?:ndo)? (?:d[ei] )?(?:o )?ar",
        r"faltad[ea]+r|falta dar$",
        r"engasgad[oa]|choking",
        r"peito chiando",
        r"dedos roxos",
        r"ar (?:esta )?faltando",
        r"dificuldade (?:\w+ )?(?:respirar|respiratoria)",
        r"dificil (?:\w+ )?respirar",
        r"respir\w* (?:\w+ ){0,2}(?:mal|dificil|dificuldade|curta|pesada|ruim|cansad[ao])",
        r"cansaco (?:para|pra|ao|de) respirar",
        r"ofegante",
        r"sufoca\w*",
        r"asfixi\w*",
        r"dispneia",
        r"chiado no peito",
        r"short(?:ness)? (?:of )?breath\w*",
        r"hard (?:to )?(?:time )?breath\w*",
        r"(?:trouble|difficulty|problems?|struggling|difficult|hurts) (?:to |with |in |"
        r"when i )?(?:my )?breath\w*",
        r"breathless\w*",
        r"winded|breathing (?:feels )?tight|tight breathing",
        r"falta (?:de )?(?:o )?folego|pouco folego|folego (?:\w+ )?curto",
        r"(?:canseira|cansada|cansado) (?:para|pra|ao|de) respirar",
        r"respirar (?:\w+ ){0,2}(?:doendo|doi|dificil)|doi (?:\w+ )?(?:para|pra|ao|quando) respir\w*",
        r"out of breath",
        r"gasping",
        r"wheez\w*",
        r"lips (?:are )?(?:turning )?blue",
        r"labios roxos",
        r"breathing (?:is |has )?(?:\w+ )?(?:hard|difficult|heavy|bad|worse|labou?red)",
    ),
    "C": (
        r"tonturas?",
        r"tont[oa]s?",
        r"tontinh[oa]|zonz[oa]s?|vi(?:ndo)? estrelas?|vi(?:ndo)? estrelinhas?|seeing stars",
        r"tudo (?:\w+ )?(?:preto|escuro)|pressao (?:\w+ )?(?:caiu|caindo)|caiu a (?:minha )?pressao",
        r"vertige\w*",
        r"dizz\w*",
        r"light ?headed\w*",
        r"woozy",
        r"mareo|maread[oa]",
        r"(?:vista|visao) (?:\w+ )?(?:escureceu|escurecendo|escura)",
        r"escureceu (?:a )?(?:minha )?(?:vista|visao)",
        r"(?:cabeca|tudo|quarto) (?:\w+ )?(?:girando|rodando)",
        r"(?:room|head|everything) (?:is )?spinning",
    ),
    "D": (
        r"sangra\w*",
        r"sangrei",
        r"sangrou",
        r"sangrento",
        r"bleed\w*",
        r"bled",
        r"nose ?bleeds?",
        r"petequias?",
        r"petechia\w*",
        r"(?:red|purple) (?:spots|dots)",
        r"(?:pont|pint|bol)inhas? (?:\w+ )?(?:vermelh|rox)[ao]s?",
        r"bruis\w*",
        r"(?:chei[oa]|suj[oa]|cobert[oa]|poca) de sangue|full of blood|covered in blood",
        r"hematomas?",
        r"roxos? (?:no|na|nas|nos|pelo|pelos|pelas) (?:\w+ )?(?:corpo|pernas?|bracos?|pele)",
        r"manchinhas|manchad[oa]",
        r"manchas? rox[ao]s?",
        r"pontinhos (?:\w+ )?(?:vermelhos|roxos)",
        r"sangue (?:\w+ )?(?:na|no|nas|nos|pelo|pela|da|do|saindo) (?:meu |minha )?(?:nariz|gengivas?|"
        r"boca|ouvido|olho)",
        r"(?:saindo|saiu|perdendo|escorrendo|jorrando|cuspi\w*) (?:\w+ )?sangue",
        r"sangue (?:\w+ )?saindo",
        r"(?:nariz|gengiva|boca|catarro|saliva) (?:\w+ ){0,2}sangue",
        r"blood (?:\w+ )?(?:in|on|from) (?:my |the )?(?:mouth|nose|gums?|spit|saliva|ear|eye)",
        r"(?:spit\w*|losing) (?:up )?(?:a lot of )?blood",
        r"menstruac\w* (?:\w+ ){0,2}(?:forte|intensa|demais|abundante)|heavy periods?",
    ),
    "E": (
        r"confus[oa]s?(?! (?:com|sobre|quanto) )",
        r"confused(?! (?:about|with|by|on|as) )",
        r"desorientad[oa]",
        r"disoriented",
        r"deliri\w*|delirando",
        r"alucina\w*",
        r"hallucinat\w*",
        r"confusao mental",
        r"(?:com|esta|muita) confusao(?! (?:com|sobre|de|na|no) )",
        r"(?:mental|some|with) confusion",
        r"^confus(?:ao|ion)$",
        r"fal(?:ando|a|ou) (?:coisas )?(?:sem sentido|nada com nada)",
        r"(?:esta|ta|estou|to) variando",
        r"desnortead[oa]|fora de si|aluad[oa]",
        r"talking nonsense",
    ),
    "F": (
        r"rash\w*",
        r"hives",
        r"urticaria",
        r"erupca?o\w*",
        r"manchas(?! (?:na|no|de) (?:roupa|carro|cafe))",
        r"mancha (?:\w+ ){0,2}(?:pele|corpo|pernas?|bracos?|barriga|rosto|vermelha)",
        r"spots? on my (?:\w+)",
        r"vermelhidao (?:na|no)",
        r"alergia na pele",
        r"(?:carocos?|bolinhas?|bolhas?|placas?) (?:\w+ ){0,2}(?:na pele|no corpo|vermelh\w+)",
        r"coceira (?:\w+ ){0,3}corpo|itch(?:y|ing) (?:all over|everywhere|skin)",
        r"dor(?:es)? articular(?:es)?",
        r"dor(?:es)? (?:\w+ )?(?:nas?|em|no|nos) (?:minhas? )?(?:juntas?|articulac\w*|maxilar|mandibula|"
        r"queixo)",
        r"(?:juntas|articulacoes) (?:\w+ ){0,2}(?:doendo|doem|inchadas?|doloridas?)",
        r"jaw (?:\w+ )?(?:pain|hurt|ache)\w*",
        r"joints? (?:\w+ )?(?:pain|ache|hurt|swell|swollen|sore|aching)\w*",
        r"(?:aching|sore|achy|swollen) joints?",
        r"(?:pain|ache|aching|hurts?) (?:in )?(?:my |the )?(?:joints?|jaw)",
    ),
    "G": (
        r"vomit\w*",
        r"thr(?:owing|ew|ow) up",
        r"thr(?:owing|ew) everything up",
        r"puk(?:e|ed|ing)",
        r"(?:botando|botei|colocando|coloquei|pondo|pus) tudo (?:para|pra) fora",
    ),
    HELP: (
        r"pass(?:ando|ei|o|ou) (?:muito |bem )?ma[lu]",
        r"suor frio|suando (?:frio|muito)|cold sweats?|night sweats",
        r"(?:pele|olhos?) amarel[ao]s?|yellow (?:skin|eyes)|jaundice",
        r"(?:rigidez|duro|dura) (?:no|na) (?:pescoco|nuca)|(?:nuca|pescoco) dur[ao]|stiff neck",
        r"cansaco extremo|exaust[oa]|extremely tired|exhausted",
        r"me lev[ae]m? (?:\w+ )?(?:hospital|upa|ps)",
        r"(?:preciso|tenho que|need|have to|have) (?:\w+ ){0,2}(?:ir|go) (?:\w+ ){0,2}(?:hospital|upa|ps|er)",
        r"(?:need|preciso de) (?:a |um |de )?(?:doctor|medico)",
        r"(?:estou|to|me sinto|sinto|sentindo|fiquei|ficando|sentindo me) (?:me )?(?:muito |bem |super |"
        r"tao )?(?:mal|ruim|pessim[oa]|pior|doente|horrivel|frac[oa])",
        r"pior(?:ei|ando|ou|amos) ?(?:muito)?",
        r"muito pior",
        r"muito frac[oa]|fraqueza",
        r"(?:very|so|really|too) weak",
        r"(?:feel|feeling|felt|im|i am|doing|getting) (?:very |so |really |quite |much |a lot |"
        r"a bit )*(?:terrible|awful|horrible|sick|ill|unwell|bad|worse|poorly)",
        r"(?:got|getting|gotten|much) worse",
        r"unwell",
        r"pronto socorro",
        r"emergency room|the er",
        r"muita dor|dor (?:\w+ ){0,3}(?:forte|insuportavel|horrivel)",
        r"(?:severe|terrible|awful|unbearable|lots? of|so much|horrible|in) pain",
        r"(?:coracao|peito) (?:\w+ ){0,3}(?:acelerado|disparado)",
        r"palpita\w*",
        r"heart (?:is )?(?:racing|pounding)",
        r"(?:e |muito )?urgente",
        r"(?:its |is |very )?urgent",
        r"ajud\w*",
        r"(?:esta|ta) caid[oa]|corre aqui|send (?:someone|somebody|help)|mand[ae]m? (?:alguem|ajuda)",
        r"acod[ae]m?|acudam?|alguem (?:me )?(?:atend\w+|respond\w+|ajud\w+)",
        r"cai (?:no|na|da|do) (?:banheiro|chao|escada|cama|rua|cozinha|chuveiro|sala)|tombo|i fell|fell (?:down|over)",
        r"bat(?:i|eu) (?:com )?a cabeca|hit (?:my|his|her) head",
        r"(?:feel|feeling|felt) like (?:death|crap|shit|hell)",
        r"help\w*",
        r"save me",
        r"(?:algo|alguma coisa|something|somethings) (?:\w+ )?(?:errad[oa]|wrong) (?:comigo|with me)",
        r"something(?:'s| is)? (?:\w+ )?wrong$",
    ),
}

_EVEN_NEGATIVE: dict[str, tuple[str, ...]] = {
    "B": (
        r"sem (?:ar(?! condicionado| fresco)|folego)",
        r"nao (?:\w+ ){0,2}(?:consigo|consegue|conseguindo|da) (?:\w+ )?respir\w*",
        r"nao (?:\w+ )?respir\w*",
        r"no puedo respirar",
        r"cant (?:\w+ )?(?:breathe?|breath|get (?:enough )?air|catch my breath)",
        r"(?:unable|not able) (?:to )?breath\w*",
        r"not breathing",
        r"mal consigo respirar|mal respiro",
        r"(?:can )?(?:barely|hardly) breath\w*",
        r"nao consigo puxar (?:o )?ar",
        r"no (?:air|breath)$",
        r"ar nao (?:\w+ )?(?:entra|vem|chega|passa)(?:ndo)?",
    ),
    "E": (
        r"nao (?:sei|sabe|sabia) (?:onde (?:estou|esta|estava)|que dia e)",
        r"dont know where i am",
        r"nao (?:\w+ )?(?:reconhec\w*|fal(?:a|o|ando) coisa com coisa)",
        r"(?:not|isnt|doesnt) mak(?:ing|e) (?:any )?sense",
        r"fal\w+ coisa com coisa",
        r"cant think (?:straight|clearly)",
    ),
    "G": (
        r"nao (?:\w+ ){0,2}(?:consigo|consegue|conseguindo) (?:\w+ )?(?:beber|engolir|comer|tomar agua|"
        r"tomar liquido)",
        r"cant (?:\w+ )?(?:drink|swallow|eat|keep)",
        r"nao (?:\w+ )?(?:para|segura|seguro) nada no estomago",
        r"nada (?:para|fica) no (?:meu )?estomago",
    ),
    FEVER: (
        r"(?:febre|fever) (?:\w+ ){0,2}(?:nao|wont|doesnt|isnt|not|hasnt) (?:\w+ )?(?:baixa|baixou|cede|"
        r"cedeu|passa|passou|melhora|diminui|go|going|gone|come|breaking|break|stop)\w*",
        r"nao (?:\w+ ){0,2}(?:baixa|passa|cede) a febre",
        r"nao (?:estou|to|fico|fiquei|passo|ando) (?:nem )?sem (?:a )?febre",
    ),
    HELP: (
        r"nao (?:me )?(?:estou|to|esta|sinto|sentindo) (?:me )?(?:\w+ )?(?:bem|legal|sentindo bem|"
        r"nada bem|muito bem)",
        r"not (?:feeling|doing|feel) (?:\w+ )?(?:well|good|ok|okay|great|right)",
        r"(?:im|am) not (?:well|ok|okay|good|right)",
        r"(?:dont|didnt) feel (?:\w+ )?(?:well|good|ok|okay|right)",
        r"nao aguento (?:mais|a dor)",
        r"cant take (?:it|this)",
        r"nao me sinto bem",
        r"^not (?:ok|okay|well|good|fine)",
    ),
}


def _compiled(sayings: dict[str, tuple[str, ...]]) -> dict[str, re.Pattern[str]]:
    return {meaning: re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)") for meaning, parts in sayings.items()}


SAYINGS = _compiled(_SAYINGS | RED_SAYINGS)
EVEN_NEGATIVE = _compiled(_EVEN_NEGATIVE | RED_EVEN_NEGATIVE)
