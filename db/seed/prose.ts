// What the practices say of themselves and what people say of them, in Spanish, put together from whole sentences.
// `@` stands for the ending that agrees with the speaker: psicólog@ is psicóloga or psicólogo.

import type { Person } from './people.ts'
import type { Stream } from './random.ts'
import type { Approach, Specialty } from './vocabulary.ts'

const topics: Record<Specialty, { name: string; focus: readonly string[] }> = {
  anxiety: {
    name: 'ansiedad',
    focus: [
      'Acompaño sobre todo a personas con ansiedad: las que llevan meses durmiendo mal, las que han tenido una crisis en el metro y ahora dan un rodeo para no cogerlo.',
      'La ansiedad no se quita a base de fuerza de voluntad. En consulta aprendemos a entender qué la enciende y a recuperar poco a poco lo que has dejado de hacer por ella.'
    ]
  },
  depression: {
    name: 'depresión',
    focus: [
      'Trabajo con personas que han perdido las ganas y no saben decir desde cuándo. Empezamos por lo pequeño: el sueño, la rutina, una cosa al día que merezca la pena.',
      'Cuando todo pesa, pedir cita ya es mucho. Voy a tu ritmo y, si hace falta, me coordino con tu médico de cabecera o tu psiquiatra.'
    ]
  },
  couples: {
    name: 'terapia de pareja',
    focus: [
      'Atiendo a parejas que discuten siempre por lo mismo, que se han alejado después de tener hijos o que dudan si seguir. No tomo partido: ayudo a que os volváis a escuchar.',
      'En terapia de pareja miramos juntos qué os une y qué os desgasta. A veces el resultado es quedarse mejor; a veces, separarse bien.'
    ]
  },
  'self-esteem': {
    name: 'autoestima',
    focus: [
      'Me encuentro a menudo con personas muy exigentes consigo mismas. Trabajamos esa voz que nunca da nada por bueno y aprendemos a poner límites sin culpa.',
      'Decir que no, pedir lo que necesitas, dejar de compararte: la autoestima se entrena en cosas concretas, y por ahí empezamos.'
    ]
  },
  grief: {
    name: 'duelo',
    focus: [
      'Acompaño procesos de duelo: la muerte de alguien querido, una separación, un embarazo que no llegó. No hay un plazo para estar bien y aquí nadie te va a meter prisa.',
      'Después de una pérdida la gente deja de preguntar mucho antes de que deje de doler. La consulta es un sitio donde se puede seguir hablando de ello.'
    ]
  },
  trauma: {
    name: 'trauma',
    focus: [
      'Trabajo con personas que han vivido situaciones traumáticas, recientes o de la infancia. Primero la seguridad; los recuerdos se tocan cuando hay con qué sostenerlos.',
      'Un trauma no es lo que pasó, sino lo que se quedó dentro. Vamos despacio, con técnicas que permiten que el recuerdo deje de mandar.'
    ]
  },
  stress: {
    name: 'estrés',
    focus: [
      'Si vives con la sensación de no llegar a nada, podemos revisar juntos qué depende de ti, qué no y dónde está el cuerpo en todo esto.',
      'Trabajo el estrés desde lo cotidiano: el descanso, los límites, el móvil, la forma de hablarte cuando algo sale mal.'
    ]
  },
  adolescents: {
    name: 'adolescentes',
    focus: [
      'Con adolescentes lo primero es ganarse la confianza. Lo que se habla en sesión se queda en sesión, y con la familia pactamos qué se comparte y cómo.',
      'Atiendo a chicos y chicas a partir de 13 años: notas que caen, autolesiones, pantallas, amistades que duelen. Los padres también tienen su espacio.'
    ]
  },
  'child-psychology': {
    name: 'psicología infantil',
    focus: [
      'Con los pequeños trabajo a través del juego y el dibujo, y dedico una sesión de cada cuatro a los padres, porque los cambios de verdad pasan en casa.',
      'Miedos, rabietas, separaciones, pipí en la cama: casi todo tiene explicación y casi siempre tiene arreglo cuando se mira con calma.'
    ]
  },
  'eating-disorders': {
    name: 'trastornos de la conducta alimentaria',
    focus: [
      'Estoy especializad@ en conducta alimentaria. Trabajo en red con nutricionista y psiquiatra, porque la comida es solo la parte que se ve.',
      'Atracones, restricción, una relación con el cuerpo que duele: se sale, pero rara vez a solas. Incluyo a la familia cuando ayuda.'
    ]
  },
  parenting: {
    name: 'crianza',
    focus: [
      'Ayudo a familias a poner normas que se puedan cumplir y a bajar el volumen de los gritos. No hay padres perfectos; hay padres que descansan algo mejor.',
      'Hago orientación a padres: sueño, celos entre hermanos, deberes, pantallas. Pocas sesiones y tareas claras entre una y otra.'
    ]
  },
  sexuality: {
    name: 'sexología',
    focus: [
      'Hablo de sexualidad con naturalidad: deseo, dolor, dificultades de erección, diferencias en la pareja. Individual o en pareja, sin juicios.',
      'Muchas consultas de sexología empiezan con «esto no se lo he contado a nadie». Es un buen principio.'
    ]
  },
  addictions: {
    name: 'adicciones',
    focus: [
      'Trabajo con adicciones con y sin sustancia: alcohol, cannabis, juego. Las recaídas forman parte del camino y se hablan, no se castigan.',
      'No hace falta tocar fondo para pedir ayuda. Empezamos por entender para qué te sirve lo que quieres dejar.'
    ]
  },
  insomnia: {
    name: 'insomnio',
    focus: [
      'Trato el insomnio con un programa de seis a ocho sesiones: registro de sueño, control de estímulos y mucho trabajo con lo que pasa por la cabeza a las cuatro de la mañana.',
      'Dormir mal acaba afectando a todo. Es también una de las cosas que mejor responden a tratamiento psicológico.'
    ]
  },
  'obsessive-compulsive': {
    name: 'TOC',
    focus: [
      'Estoy formad@ en exposición con prevención de respuesta, que es lo que mejor funciona para el TOC. Es exigente, así que lo planificamos juntos paso a paso.',
      'Comprobar, lavar, repetir, pedir que te tranquilicen: el TOC tiene muchas caras y casi todas dan vergüenza contar. Aquí las he oído ya todas.'
    ]
  },
  phobias: {
    name: 'fobias',
    focus: [
      'Trato fobias concretas, como volar, conducir, las agujas o hablar en público, con exposición gradual. Suelen ser tratamientos cortos.',
      'El miedo se hace grande cuando se evita. Lo rodeamos poco a poco hasta que deja de decidir por ti.'
    ]
  },
  adhd: {
    name: 'TDAH',
    focus: [
      'Evalúo y trato el TDAH en personas adultas y adolescentes. Mucha gente llega después de años pensando que era pereza.',
      'Con TDAH trabajamos organización, impulsividad y autoestima, con herramientas que se puedan mantener un martes cualquiera.'
    ]
  },
  burnout: {
    name: 'desgaste profesional',
    focus: [
      'Acompaño a profesionales quemados, sobre todo de la sanidad y la enseñanza: poner límites, decidir si quedarse, volver de una baja.',
      'El desgaste laboral no se arregla con un fin de semana. Revisamos qué pides tú, qué pide el trabajo y qué margen hay entre las dos cosas.'
    ]
  }
}

const methods: Record<Approach, { name: string; sentences: readonly string[] }> = {
  cbt: {
    name: 'terapia cognitivo-conductual',
    sentences: [
      'Mi enfoque es cognitivo-conductual: objetivos acordados, tareas entre sesiones y una revisión cada pocas semanas para ver si vamos bien.',
      'Trabajo desde la terapia cognitivo-conductual, con técnicas que han demostrado funcionar y explicando siempre el porqué.'
    ]
  },
  integrative: {
    name: 'psicoterapia integradora',
    sentences: [
      'Trabajo de forma integradora: me adapto a la persona que tengo delante en lugar de pedirle que encaje en un método.',
      'No me caso con una sola escuela. Combino herramientas de varias según el momento y lo que vayas necesitando.'
    ]
  },
  humanistic: {
    name: 'terapia humanista',
    sentences: [
      'Vengo de la terapia humanista: creo en la relación, en no juzgar y en que cada cual tiene más recursos de los que ve.',
      'Mi manera de trabajar es humanista y cercana. Más que dar consejos, ayudo a que escuches lo que ya sabes.'
    ]
  },
  systemic: {
    name: 'terapia sistémica',
    sentences: [
      'Miro los problemas en su contexto, desde la terapia sistémica: la familia, la pareja, el trabajo, lo que se repite de padres a hijos.',
      'Mi formación es sistémica, así que a veces propongo que venga alguien más a alguna sesión. Siempre lo decides tú.'
    ]
  },
  psychodynamic: {
    name: 'psicoterapia psicodinámica',
    sentences: [
      'Mi orientación es psicodinámica: nos interesa lo que se repite sin querer y de dónde viene. Suele ser un trabajo de fondo, de meses.',
      'Trabajo desde el psicoanálisis contemporáneo, con sesiones semanales y un encuadre estable. Hablar con tiempo también es un tratamiento.'
    ]
  },
  emdr: {
    name: 'EMDR',
    sentences: [
      'Estoy formad@ en EMDR, que permite trabajar recuerdos difíciles sin tener que contarlos una y otra vez.',
      'Utilizo EMDR cuando está indicado y, antes de empezar, dedico las sesiones que hagan falta a preparar el terreno.'
    ]
  },
  gestalt: {
    name: 'terapia Gestalt',
    sentences: [
      'Soy terapeuta Gestalt: trabajamos con lo que pasa aquí y ahora, también con el cuerpo y no solo con la cabeza.',
      'Desde la Gestalt propongo ensayos y experimentos en sesión; entender está bien, probar suele ser mejor.'
    ]
  },
  act: {
    name: 'terapia de aceptación y compromiso',
    sentences: [
      'Trabajo con terapia de aceptación y compromiso: menos pelea con lo que sientes y más pasos hacia lo que te importa.',
      'Uso ACT y atención plena, con prácticas cortas que se pueden hacer de camino al trabajo.'
    ]
  }
}

const headlines = [
  (first: string, second: string) => `Psicólog@ sanitari@ · ${first} y ${second}`,
  (first: string, second: string) => `Especialista en ${first} y ${second}`,
  (first: string, _: string, method: string) => `Psicólog@ · ${first}, desde la ${method}`,
  (first: string, second: string) => `Consulta de psicología: ${first}, ${second}`,
  (first: string) => `Psicólog@ con consulta propia, centrad@ en ${first}`,
  (first: string, second: string) => `${capitalised(first)} y ${second}, sin prisas y sin juicios`,
  (first: string, _: string, method: string) => `${capitalised(first)} · ${method}`
]

const openings = [
  (years: number, city: string) =>
    `Soy psicólog@ general sanitari@ y llevo ${years} años pasando consulta en ${city}.`,
  (years: number) =>
    `Llevo ${years} años trabajando como psicólog@, primero en un centro de salud mental y desde hace tiempo por mi cuenta.`,
  (years: number, city: string) =>
    `Estudié Psicología, hice el máster sanitario y hace ${years} años abrí consulta en ${city}.`,
  (years: number, city: string) =>
    `Paso consulta en ${city}. En ${years} años he aprendido que casi nadie viene por lo que dice al principio, y está bien así.`,
  (years: number) =>
    `Me dedico a la psicoterapia desde hace ${years} años y sigo supervisando mi trabajo con otros colegas.`,
  (_: number, city: string) =>
    `Empecé en el hospital y acabé donde quería: en una consulta pequeña de ${city}, con tiempo para cada persona.`,
  (years: number, city: string) =>
    `Hola. Soy psicólog@ en ${city} y llevo ${years} años escuchando historias que parecían no tener salida.`
]

const closings = [
  'La primera visita sirve para conocernos y ver si soy la persona adecuada. Si no lo soy, te diré quién puede serlo.',
  'Suelo ver a la gente una vez por semana al principio y espaciar después. Nadie viene más tiempo del necesario.',
  'Si necesitas cambiar una cita, con un día de antelación basta.',
  'Escríbeme con tus palabras qué te trae; no hace falta tenerlo claro para empezar.',
  'Reservo las tardes para quien sale tarde de trabajar.',
  'Al terminar la primera sesión te llevas una idea de qué haríamos, cuánto podría durar y cuánto cuesta.'
]

const modes = {
  online: [
    'Atiendo solo por videollamada, así que da igual dónde vivas.',
    'Todas las sesiones son en línea; solo hace falta un rato de intimidad y unos auriculares.'
  ],
  in_person: [
    'Atiendo en persona; el despacho está bien comunicado y el edificio tiene ascensor.',
    'Prefiero el trato en persona y no hago sesiones en línea.'
  ],
  either: [
    'Puedes venir a la consulta o conectarte por videollamada, o ir alternando.',
    'Tengo sesiones presenciales y en línea; muchos pacientes combinan las dos.'
  ]
}

/** The ending of a word that agrees with the speaker, in place of every `@`. */
function spoken(text: string, { gender }: Person): string {
  return text.replaceAll('@', gender === 'f' ? 'a' : 'o')
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export type Practice = {
  person: Person
  city: string
  specialties: readonly [Specialty, Specialty, ...Specialty[]]
  approach: Approach
  mode: 'online' | 'in_person' | 'either'
  years: number
}

/** One line under the name; 160 characters at most. */
export function headline(random: Stream, { person, specialties, approach }: Practice): string {
  const [first, second] = specialties
  return spoken(
    random.pick(headlines)(topics[first].name, topics[second].name, methods[approach].name),
    person
  )
}

/** Two to four paragraphs. */
export function bio(random: Stream, { person, city, specialties, approach, mode, years }: Practice): string {
  const [first, second] = specialties
  const paragraphs = [
    `${random.pick(openings)(years, city)} ${random.pick(topics[first].focus)}`,
    `${random.pick(methods[approach].sentences)} ${random.chance(0.5) ? random.pick(topics[second].focus) : ''}`,
    `${random.pick(modes[mode])} ${random.chance(0.8) ? random.pick(closings) : ''}`
  ]
  return spoken(paragraphs.map((paragraph) => paragraph.trim()).join('\n\n'), person)
}

const opinions: Record<number, readonly string[]> = {
  5: [
    'Desde la primera sesión sentí que me escuchaban de verdad.',
    'Un trato profesional y cercano a la vez.',
    'Me ha ayudado muchísimo en un año complicado.',
    'Llegué sin saber explicar qué me pasaba y salí con un plan.',
    'Puntualidad, calidez y cero juicios.',
    'Hacía años que arrastraba esto y por fin lo veo con distancia.',
    'Recomiendo su consulta a todo el que me pregunta.',
    'Te hace preguntas que te llevas a casa.',
    'Explica las cosas de forma que se entienden.',
    'Volví a dormir, que no es poco.',
    'Noté cambios en pocas semanas.',
    'Mi hijo va contento, y eso lo dice todo.'
  ],
  4: [
    'Muy bien, aunque cuesta encontrar hueco por las tardes.',
    'Me está ayudando. La consulta es algo pequeña, pero se está bien.',
    'Buen trato y buenas herramientas. A veces la sesión se queda corta.',
    'Va bien; al principio me costó coger confianza.',
    'Bien en general. La videollamada se cortó un par de veces.'
  ],
  3: [
    'Correcto, pero no terminé de conectar.',
    'Me sirvió para empezar; después busqué otro enfoque.',
    'Sabe mucho, aunque esperaba que me diera más pautas.',
    'Ni bien ni mal. Los cambios de hora de última hora no ayudan.'
  ],
  2: [
    'Empezamos tarde tres sesiones seguidas.',
    'Sentí que hablaba más que yo.',
    'No era lo que necesitaba y tardé en darme cuenta.',
    'Caro para lo que duró.'
  ],
  1: [
    'Me cancelaron dos veces el mismo día.',
    'No me sentí a gusto en ningún momento.',
    'Nadie contestó cuando pedí la factura.'
  ]
}

const endings = [
  'Repetiría sin dudarlo.',
  'Gracias por todo.',
  'Sin prisas y con humor, que también hace falta.',
  'Se nota que le gusta lo que hace.',
  'Seguimos trabajando en ello.',
  'Ojalá hubiera ido antes.',
  'La consulta es tranquila y fácil de encontrar.'
]

/** What a client writes; some only leave stars. */
export function opinion(random: Stream, rating: number): string {
  if (random.chance(0.14)) return ''
  const first = random.pick(opinions[rating] ?? [])
  return rating === 5 && random.chance(0.45) ? `${first} ${random.pick(endings)}` : first
}

/** What a therapist answers to a review. */
export function answer(random: Stream, rating: number): string {
  return rating >= 4
    ? random.pick([
        'Muchas gracias por tus palabras. Ha sido un placer acompañarte.',
        'Gracias por tomarte el tiempo de escribirlo. El mérito es tuyo.',
        'Me alegra mucho leerte. Seguimos.'
      ])
    : random.pick([
        'Siento que no fuera lo que buscabas. Gracias por decirlo.',
        'Gracias por tu sinceridad; tomo nota para mejorarlo.'
      ])
}

/** Why a session was called off. */
export function excuse(random: Stream): string {
  return random.pick([
    'Me ha surgido una reunión de trabajo.',
    'Mi hija está con fiebre.',
    'No me encuentro bien.',
    'Viaje de última hora.',
    'No puedo salir antes del trabajo.',
    'Se me ha juntado con una cita médica.',
    'Prefiero dejarlo para la semana que viene.',
    'Problemas con el tren.',
    'Cambio de turno.'
  ])
}
