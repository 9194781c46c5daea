// Names as one meets them in Spain: a first name, two surnames, the common ones more often than the rare. Nobody real.

import type { Stream } from './random.ts'

export type Person = { gender: 'f' | 'm'; first: string; surnames: readonly [string, string] }

// Each line is about as frequent as a whole; within a line one is as likely as another.
const women = [
  'Lucía María Carmen Laura Marta Ana Cristina Isabel Elena Sara Paula Raquel Patricia Beatriz Rocío',
  'Silvia Nuria Irene Alba Pilar Mónica Eva Sandra Andrea Julia Teresa Rosa Inés Clara Noelia Verónica',
  'Esther Natalia Alicia Marina Yolanda Sonia Lorena Miriam Claudia Carolina Ángela Virginia Blanca Aitana',
  'Begoña Montserrat Amparo Leire Nerea Uxía Sabela Candela Mireia Laia Neus Lourdes Ainhoa Estíbaliz Jimena'
].map((line) => line.split(' '))

const men = [
  'Antonio Manuel José Javier David Daniel Carlos Miguel Alejandro Pablo Sergio Álvaro Jorge Luis Francisco',
  'Alberto Adrián Rubén Fernando Diego Raúl Iván Óscar Jaime Rafael Víctor Ignacio Marcos Andrés Hugo Mario',
  'Guillermo Gonzalo Ángel Ramón Jesús Tomás Emilio Enrique Joaquín Rodrigo Gabriel Samuel Nicolás Eduardo',
  'Iker Jordi Xavier Oriol Martí Brais Anxo Unai Aitor Vicent Pau Gorka Roi Mateo Bruno'
].map((line) => line.split(' '))

const surnames = [
  'García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín',
  'Jiménez Hernández Ruiz Díaz Moreno Muñoz Álvarez Romero Gutiérrez Alonso Navarro Torres Domínguez Ramos Vázquez',
  'Gil Ramírez Serrano Blanco Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias Medina',
  'Garrido Cortés Castillo Santos Lozano Guerrero Cano Prieto Méndez Cruz Calvo Gallego Vidal León Márquez Herrera Peña',
  'Flores Cabrera Campos Vega Fuentes Carrasco Diez Reyes Caballero Nieto Aguilar Pascual Santana Herrero Montero Lorenzo',
  'Hidalgo Giménez Ibáñez Ferrer Durán Santiago Benítez Mora Vicente Vargas Arias Carmona Crespo Román Pastor Soto Sáez',
  'Velasco Moya Soler Parra Esteban Bravo Gallardo Rojas Pardo Merino Franco Espinosa Lara Izquierdo Rivas Casado Silva',
  'Rivera Redondo Rey Arroyo Camacho Vera Otero Luque Montes Galán Segura Ríos Heredia Sierra Carrillo Mendoza Plaza',
  'Bosch Puig Serra Roca Vila Pons Casals Ferrando Llorens Company Etxeberria Aguirre Urrutia Mendizabal Zubiri Arrieta',
  'Castiñeira Loureiro Seoane Pazos Villar Quiroga Bermúdez Cuesta Noriega Cueto Barros Ochoa Echevarría Baeza Alarcón'
].map((line) => line.split(' '))

const lineWeights = [46, 30, 16, 8]
const surnameWeights = [26, 21, 14, 10, 8, 6, 5, 4, 3, 3]

/** Someone; of ten therapists seven or eight are women, of ten clients six. */
export function person(random: Stream, womenShare: number): Person {
  const gender = random.chance(womenShare) ? 'f' : 'm'
  const first = fromLines(random, gender === 'f' ? women : men, lineWeights)
  return {
    gender,
    first,
    surnames: [fromLines(random, surnames, surnameWeights), fromLines(random, surnames, surnameWeights)]
  }
}

export function fullName({ first, surnames }: Person): string {
  return `${first} ${surnames[0]} ${surnames[1]}`
}

function fromLines(random: Stream, lines: readonly string[][], weights: readonly number[]): string {
  return random.pick(random.weighted(lines.map((line, index) => [line, weights[index] ?? 1] as const)))
}

/**
 * Gives each person an address of their own. All are at example.com, which is reserved (RFC 2606): a mail that leaves
 * by mistake reaches nobody.
 */
export function addressBook(): (person: Person) => string {
  const given = new Map<string, number>()
  return ({ first, surnames }) => {
    const name = `${first}.${surnames[0]}`
      .normalize('NFD')
      .replace(/[^a-z.]/gi, '')
      .toLowerCase()
    const earlier = given.get(name) ?? 0
    given.set(name, earlier + 1)
    return `${name}${earlier === 0 ? '' : earlier + 1}@example.com`
  }
}
