"""The words around a number that say whether it is a temperature: tables only, in Portuguese and English.

Words are plain (lower case, no accents). A table whose name ends in `_STEMS` holds beginnings of words.
"""

from __future__ import annotations

TEMPERATURE_STEMS = tuple(
    "temp febr fever fevr feaver termom thermo grau degree celsius fahren centigr axil sovaco armpit "
    " quente ardendo queimando calafri chills shiver".split()
)

MEASURED = frozenset("deu marcou marcando marca medi mediu aferi reads reading".split())

AFTER_A_COUNT_STEMS = tuple(
    "comprim capsul drage gota frasc ampol quilo kilo gram litro ano dia semana mes hora minut segund "
    " reais centav metro batiment vez pessoa unidad bols ponto passo ligac mensag pacient andar year day "
    " week month hour minute second pill tablet capsule drop dollar pound mile time people unit bag step "
    " call message percent porcento plaquet platelet parcel quilomet cigarr".split()
)
AFTER_A_COUNT = frozenset(
    "cp cps cpr ml mg mcg ug kg kgs kilos g h hs hr hrs min mins seg s x km m cm mm l lb lbs bpm mmhg"
    " am pm th st nd"
    " real yo old anos aninhos meia u ui k mil".split()
)

BEFORE_A_LABEL = frozenset(
    "r$ us$ $ dia dias idade age aged sala quarto leito room bed ward numero number num nr n no rua"
    " av avenida casa apto ap apt"
    " apartamento bloco linha onibus bus line pagina page pressao pa bp pulso pulse fc hr frequencia"
    " sat saturacao"
    " saturation spo oxigenio oxygen peso pesando pesa weight weigh weighs altura height glicose"
    " glicemia glucose"
    " codigo code senha password ramal ext ddd cep visita visit semana week sessao day km br versao"
    " version tamanho"
    " size sapato shoe calca calco camisa plaqueta plaquetas platelets hemoglobina hemoglobin hb hematocrito"
    " leucocitos creatinina creatinine ciclosporina cyclosporine dose idades telefone tel phone fone"
    " celular cel"
    " whatsapp zap fila ficha mesa posto porta gate seat item capitulo r us reais custou custa paguei"
    " pagar cost cpf"
    " rg protocolo prontuario street st flat house anos faz fiz completei turn turned turning channel"
    " canal vaga"
    " camiseta ala faltam gastei".split()
)
SKIPPED_BEFORE = frozenset(
    "e de do da dos das esta estava eh foi era em is was of at the o a meu minha my deu com ta são"
    " sao are igual".split()
)

WEATHER = frozenset(
    "outside weather forecast clima previsao fora ribeirao cidade fazendo city sol ceu".split()
)
BODY_STEMS = tuple("febr fever termom thermo axil armpit corpo body estou acordei medi".split())

FILLERS = frozenset(
    "t a o e de do da em no na as os um uma com c pra para por que eu me meu minha voce vcs ai aqui ja"
    " so la mas entao"
    " oi ola oie bom boa dia tarde noite dr dra doutor doutora enfermeira enfermeiro senhora senhor"
    " obrigado obrigada"
    " obg hoje ontem agora manha madrugada cedo acordei medi mediu medir marcou marca marcando deu"
    " dando da ta to tou"
    " estou esta estava tava foi era fui subiu baixou caiu chegou passou ficou continua ainda quase"
    " mais menos uns"
    " cerca aproximadamente mal ruim muito sinto sentindo bem acho boca ouvido testa errei erro errado"
    " correcao correto"
    " certo digo desculpa desculpe aferi aferida verifiquei valor leitura resultado resposta sim eh ok"
    " hi hello hey good morning evening night afternoon doctor nurse thanks thank you please it is was"
    " its s my mine"
    " now today at just took take got get reading reads shows says said still only about around up to"
    " went down feel"
    " feeling bad sick ill me i am im m have had ve has with been here the and mouth ear forehead arm"
    " sorry mistake"
    " wrong correction correct meant oops actually should be last this yesterday result answer high low yes f"
    " dias desde ha h hs hr hrs hora horas days hours since for"
    " depois antes logo tive teve tinha novamente outra vez then later before after again earlier"
    " stop pare parar parem sair cancelar cancela cancel unsubscribe quit quero favor please"
    " tremendo tremor tremores tremedeira tremulo frio cold shaking sweating suando suor call ligue liga ligar"
    " preocupado preocupada nao not batendo bateu worried socorro help ajuda urgente urgent".split()
)
